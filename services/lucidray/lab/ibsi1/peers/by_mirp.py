"""mirp, by its public function: the phantom as CT, whose intensities are definite, without bins."""

import logging
import re
from collections.abc import Mapping
from numbers import Real
from pathlib import Path

_DIRECTIONAL = (
    "2d_average",
    "2d_slice_merge",
    "2.5d_direction_merge",
    "2.5d_volume_merge",
    "3d_average",
    "3d_volume_merge",
)
_UNDIRECTED = ("2d", "2.5d", "3d")
_ENDINGS: Mapping[str, str] = {  # of mirp's columns and of the reference tables
    "2d_avg": "2D_avg",
    "2d_s_mrg": "2D_comb",
    "2.5d_d_mrg": "2_5D_avg",
    "2.5d_v_mrg": "2_5D_comb",
    "3d_avg": "3D_avg",
    "3d_v_mrg": "3D_comb",
    "2d": "2D",
    "2.5d": "2_5D",
    "3d": "3D",
}
_COLUMN = re.compile(rf"(?P<name>.+?)(_d1)?(_a0\.0)?_(?P<ending>{'|'.join(map(re.escape, _ENDINGS))})")


def mirp_values(folder: Path) -> dict[str, float]:
    """Of the phantom in a nifti folder, by tag."""
    import mirp

    logging.getLogger("mirp").setLevel(logging.ERROR)
    (table,) = mirp.extract_features(
        image=str(folder / "image" / "phantom.nii.gz"),
        mask=str(folder / "mask" / "mask.nii.gz"),
        image_modality="ct",
        by_slice=False,
        base_discretisation_method="none",
        base_feature_families="all",
        **{f"{family}_spatial_method": list(_DIRECTIONAL) for family in ("glcm", "glrlm")},
        **{f"{family}_spatial_method": list(_UNDIRECTED) for family in ("glszm", "gldzm", "ngtdm", "ngldm")},
    )
    row = table.iloc[0]
    return {_tag(name): float(row[name]) for name in table.columns if isinstance(row[name], Real)}


def _tag(column: str) -> str:
    found = _COLUMN.fullmatch(column)
    return f"{found['name']}_{_ENDINGS[found['ending']]}" if found else column
