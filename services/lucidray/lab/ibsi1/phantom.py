"""Our values of a phantom."""

from collections.abc import Iterable
from pathlib import Path

from lucidray.contracts.results import Feature
from lucidray.lab.features.tables import AGGREGATIONS
from lucidray.lab.nifti import read_nifti
from lucidray.quantify import extract
from lucidray.quantify.ibsi import TEXTURE, definitions

CT = "LUCIDRAY_IBSI_CT"


def measured(folder: Path, preset: str) -> dict[str, float | None]:
    """Our values of a phantom (its nifti folder), by tag."""
    voxels, grid = read_nifti(folder / "image" / "phantom.nii.gz")
    mask, _ = read_nifti(folder / "mask" / "mask.nii.gz")
    return by_tag(extract(voxels, mask, preset, spacing=grid.spacing))


def by_tag(features: Iterable[Feature]) -> dict[str, float | None]:
    """Values by the tags of the reference tables."""
    abbreviations = {each.code: each.abbreviation for each in definitions().values()}
    return {
        abbreviations[each.ibsi_code]
        + (f"_{AGGREGATIONS[each.aggregation]}" if each.family in TEXTURE else ""): each.value
        for each in features
        if each.ibsi_code in abbreviations
    }
