"""pictologics, by its pipeline: bins of width 1 from 1. It merges 3D matrices, and knows no other aggregation."""

from pathlib import Path

from lucidray.lab.ibsi1.peers.names import names_of
from lucidray.quantify.ibsi import DIRECTIONAL, UNDIRECTED, definitions

_ENDINGS: dict[str, str] = {**dict.fromkeys(DIRECTIONAL, "_3D_comb"), **dict.fromkeys(UNDIRECTED, "_3D")}


def pictologics_values(folder: Path) -> dict[str, float]:
    """Of the phantom in a nifti folder, by tag; its names end in IBSI codes."""
    from pictologics.pipeline import RadiomicsPipeline

    pipeline = RadiomicsPipeline()
    pipeline.add_config(
        "phantom",
        [
            {"step": "discretise", "params": {"method": "FBS", "bin_width": 1.0, "min_val": 1.0}},
            {
                "step": "extract_features",
                "params": {
                    "families": ["intensity", "morphology", "texture", "histogram", "ivh"],
                    "include_spatial_intensity": True,
                    "include_local_intensity": True,
                },
            },
        ],
    )
    image, mask = folder / "image" / "phantom.nii.gz", folder / "mask" / "mask.nii.gz"
    found = pipeline.run(str(image), mask=str(mask), config_names=["phantom"])["phantom"]
    tags = {each.code: each.abbreviation + _ENDINGS.get(each.family, "") for each in definitions().values()}
    tags |= names_of("pictologics")
    return {
        tag: float(value) for name, value in found.items() for code, tag in tags.items() if name.endswith(f"_{code}")
    }
