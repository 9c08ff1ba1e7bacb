"""pyradiomics and flash-radiomics, which keeps the interface of the former: bins of width 1, no array shift.

With `force2D` both merge the matrices of slices; neither averages over slices. pyradiomics averages over directions, or
merges them with `weightingNorm: no_weighting`; flash-radiomics takes that setting and averages all the same.
"""

import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lucidray.lab.features.pyradiomics.parameters import equivalents
from lucidray.lab.ibsi1.peers.names import names_of
from lucidray.quantify.ibsi import DIRECTIONAL, UNDIRECTED, definitions

# Settings by the aggregation of matrices with directions, and the aggregation of those without.
_AVERAGED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "2_5D_avg": ("2_5D", {"force2D": True}),
    "3D_avg": ("3D", {}),
}
_MERGED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "2_5D_comb": ("2_5D", {"force2D": True, "weightingNorm": "no_weighting"}),
    "3D_comb": ("3D", {"weightingNorm": "no_weighting"}),
}


def pyradiomics_values(folder: Path) -> dict[str, float]:
    """Of the phantom in a nifti folder, by tag."""
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    return _values(RadiomicsFeatureExtractor, folder, _common(), {**_AVERAGED, **_MERGED})


def flash_values(folder: Path) -> dict[str, float]:
    """Of the phantom in a nifti folder, by tag."""
    from flash_radiomics.featureextractor import RadiomicsFeatureExtractor

    return _values(RadiomicsFeatureExtractor, folder, {**_common(), **names_of("flash-radiomics")}, _AVERAGED)


def _common() -> dict[str, str]:
    return {
        f"{kind}_{name}": each.abbreviation
        for kind, features in equivalents().items()
        for name, each in features.items()
        if each.abbreviation
    }


def _values(
    extractor: Any,
    folder: Path,
    names: Mapping[str, str],
    aggregations: Mapping[str, tuple[str, Mapping[str, Any]]],
) -> dict[str, float]:
    import SimpleITK

    image = SimpleITK.ReadImage(str(folder / "image" / "phantom.nii.gz"), SimpleITK.sitkFloat64)
    mask = SimpleITK.ReadImage(str(folder / "mask" / "mask.nii.gz"), SimpleITK.sitkUInt8)
    found: dict[str, float] = {}
    for directional, (undirected, settings) in aggregations.items():
        made = extractor(binWidth=1, voxelArrayShift=0, additionalInfo=False, **settings)
        made.disableAllFeatures()
        for name in names:
            kind, _, feature = name.partition("_")
            made.enabledFeatures.setdefault(kind, []).append(feature)
        endings: dict[str, str] = {
            **dict.fromkeys(DIRECTIONAL, f"_{directional}"),
            **dict.fromkeys(UNDIRECTED, f"_{undirected}"),
        }
        with tempfile.TemporaryDirectory() as own, contextlib.chdir(own):  # flash-radiomics leaves files
            values = made.execute(image, mask)
        for name, value in values.items():
            abbreviation = names.get(name.removeprefix("original_"))
            if abbreviation:
                found[abbreviation + endings.get(definitions()[abbreviation].family, "")] = float(value)
    return found
