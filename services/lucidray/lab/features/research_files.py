"""NIfTI and NRRD files to arrays (z, y, x) on a grid in LPS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.core.errors import Permanent
from lucidray.lab.features.nrrd_file import load_nrrd
from lucidray.lab.features.space import grid_of
from lucidray.lab.nifti import SUFFIXES as NIFTI
from lucidray.lab.nifti import read_nifti

NRRD = (".nrrd", ".nhdr")
_AXES = 3
_MILLIMETRES = {"mm", "millimeter", "millimeters", "millimetre", "millimetres", "", "???"}  # the last: not known
# Sign of each axis that makes LPS of a space of the NRRD definition, section "space".
_NRRD_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}


@dataclass(frozen=True)
class Labelled:
    """One label of a segmentation file: in which layer, which value, and what it is called."""

    name: str
    value: int
    layer: int = 0


@dataclass(frozen=True)
class ResearchFile:
    """Layers (n, z, y, x) on a grid; an image has one. `labels` are those that the header names."""

    layers: npt.NDArray[Any]
    grid: Grid
    labels: list[Labelled] = field(default_factory=list)


def is_research_file(path: Path) -> bool:
    """Whether the name says NIfTI or NRRD."""
    return path.name.lower().endswith(NIFTI + NRRD)


def read_research_file(path: Path) -> ResearchFile:
    """A NIfTI or NRRD file.

    Raises
    ------
    Permanent
        It does not read, is larger than its header or setting harmonize.voxels says, or is not one volume of real
        numbers in a space of millimetres.
    """
    if path.name.lower().endswith(NIFTI):
        voxels, grid = read_nifti(path)
        return ResearchFile(voxels[None], grid)
    try:
        return _read_nrrd(path)
    except Permanent:
        raise
    except Exception as error:  # pynrrd raises what it likes on broken files
        raise _unreadable(path, f"it does not read ({type(error).__name__})") from None


def _read_nrrd(path: Path) -> ResearchFile:
    voxels, header = load_nrrd(path)
    directions = np.atleast_2d(np.array(header.get("space directions", np.full((voxels.ndim, _AXES), np.nan))))
    spatial = ~np.isnan(directions).any(axis=1)
    space = str(header.get("space", "")).lower()
    if np.count_nonzero(spatial) != _AXES or space not in _NRRD_TO_LPS:
        raise _unreadable(path, "its header does not say three space directions in an anatomical space")
    if not {str(unit).lower() for unit in header.get("space units", [])} <= _MILLIMETRES:
        raise _unreadable(path, "its lengths are not in millimetres")
    # A first axis that is not spatial counts layers, as in the segmentations of 3D Slicer.
    layers = voxels if len(spatial) == _AXES + 1 and not spatial[0] else voxels[None]
    if layers.ndim != _AXES + 1:
        raise _unreadable(path, "it is not a volume, nor layers of one")
    _check_volume(layers[0], path)
    sign = np.array(_NRRD_TO_LPS[space], np.float64)[:, None]
    origin = np.array(header.get("space origin", np.zeros(_AXES)), np.float64)
    affine = sign * np.column_stack([directions[spatial].T, origin])
    array = layers.transpose(0, 3, 2, 1)
    return ResearchFile(array, grid_of(affine, array.shape[1:], f"file {path.name}"), _segments(header))


def _segments(header: Mapping[str, Any]) -> list[Labelled]:
    """Names of labels as 3D Slicer writes them: Segment0_Name, Segment0_LabelValue, Segment0_Layer."""
    keys = [key.removesuffix("_LabelValue") for key in header if key.endswith("_LabelValue")]
    return [
        Labelled(
            str(header.get(f"{key}_Name", key)), int(header[f"{key}_LabelValue"]), int(header.get(f"{key}_Layer", 0))
        )
        for key in keys
    ]


def _check_volume(voxels: npt.NDArray[Any], path: Path) -> None:
    if voxels.ndim != _AXES or voxels.dtype.kind not in "iufb":
        raise _unreadable(path, f"it is not one volume of real numbers, but {voxels.dtype} {voxels.shape}")


def _unreadable(path: Path, cause: str) -> Permanent:
    return Permanent(f"file {path.name}", cause, "convert it to one NIfTI or NRRD volume, lengths in millimetres")
