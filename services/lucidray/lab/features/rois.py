"""Regions of interest: labels of a NIfTI or NRRD mask, ROIs of an RTSTRUCT, segments of a SEG."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.uid import RTStructureSetStorage

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.lab.features.dicom_folder import find_regions
from lucidray.lab.features.research_files import Labelled, ResearchFile, is_research_file, read_research_file
from lucidray.lab.features.segmentation import SegmentationFile
from lucidray.lab.features.space import both, on_grid, place
from lucidray.segment.contours import fill_contours
from lucidray.segment.settings import SegmentSettings
from lucidray.segment.structure_set import RegionOfInterest, read_structure_set

Volumes = Mapping[str, Volume]


@dataclass(frozen=True)
class Roi:
    """A region: mask (z, y, x) on a grid of its own, in the patient space of the images."""

    number: int
    name: str
    mask: npt.NDArray[np.bool_]
    grid: Grid


def read_rois(path: Path, wanted: str, volumes: Volumes, *, any_grid: bool = False) -> list[Roi]:
    """The regions of a mask, in the order of their numbers.

    Parameters
    ----------
    path
        NIfTI or NRRD file, RTSTRUCT or SEG, or a folder with one of these two.
    wanted
        Name, pattern of names (`GTV*`) or number; empty: all.
    volumes
        By role. A label map must be on the grid of one of them, contours and segments in the frame of reference
        of one of them, unless `any_grid` says that both are in one patient space.

    Raises
    ------
    Permanent
        The mask does not read, has no such region, or lies elsewhere; names both grids.
    """
    _check_there(path)
    if is_research_file(path):
        return _on_image(_labelled(path, wanted), volumes, any_grid, f"mask {path.name}")
    found = find_regions(path)
    read = _contoured if found.sop_class_uid == RTStructureSetStorage else _segmented
    return read(found.path, wanted, volumes, any_grid)


def region_names(path: Path) -> dict[int, str]:
    """Number and name of every region of a mask, as `read_rois`."""
    _check_there(path)
    if is_research_file(path):
        return {number: label.name for number, label in _labels(read_research_file(path), path).items()}
    found = find_regions(path)
    if found.sop_class_uid != RTStructureSetStorage:
        return SegmentationFile(found.path).names
    return {each.number: each.name for each in _structure_set(found.path)}


def _check_there(path: Path) -> None:
    if not path.exists():
        raise Permanent(f"mask {path.name}", "there is no such file or folder", "correct the path")


def choose(names: Mapping[int, str], wanted: str, thing: str) -> list[int]:
    """Numbers of the regions that are wanted: all, the one of a number, or those of a name or pattern.

    Raises
    ------
    Permanent
        There is none. Names stay out of the message: a region may be called after a person.
    """
    matching = [
        number
        for number, name in names.items()
        if wanted in ("", name, str(number)) or fnmatchcase(name.lower(), wanted.lower())
    ]
    if not names:
        raise Permanent(thing, "it holds no region", "give a mask that has one, or leave the subject out")
    if not matching:
        numbers = ", ".join(str(number) for number in sorted(names))
        raise Permanent(
            thing,
            f"no region is called '{wanted}'; there are numbers {numbers}",
            "give --roi one of the names that `lucidray features --mask MASK` lists, or a number",
        )
    return sorted(matching)


def _labelled(path: Path, wanted: str) -> list[Roi]:
    file = read_research_file(path)
    labels = _labels(file, path)
    names = {number: label.name for number, label in labels.items()}
    return [
        Roi(number, names[number], np.equal(file.layers[labels[number].layer], labels[number].value), file.grid)
        for number in choose(names, wanted, f"mask {path.name}")
    ]


def _labels(file: ResearchFile, path: Path) -> dict[int, Labelled]:
    """By number: the value of the label, or a running number where layers share values."""
    found = file.labels
    if not found:
        found = [
            Labelled(str(value), value, layer)
            for layer, voxels in enumerate(file.layers)
            for value in _whole_values(voxels, path)
        ]
    values = [each.value for each in found]
    unique = len(set(values)) == len(values)
    return {each.value if unique else at: each for at, each in enumerate(found, start=1)}


def _whole_values(voxels: npt.NDArray[np.generic], path: Path) -> list[int]:
    values = np.unique(voxels)
    with np.errstate(invalid="ignore"):  # what is no number, or too great, becomes another value, which is refused
        whole = values.astype(np.int64)
    if not np.array_equal(whole, values):
        raise Permanent(f"mask {path.name}", "its values are not whole numbers", "threshold it to labels first")
    return [int(value) for value in whole if value != 0]


def _segmented(path: Path, wanted: str, volumes: Volumes, any_grid: bool) -> list[Roi]:
    """Segments of a SEG; in the frame of reference of an image they may have a grid of their own."""
    thing = f"mask {path.name}"
    file = SegmentationFile(path)
    usable = _in_frame(file.frame_of_reference_uid, volumes, any_grid, thing)
    rois = [Roi(number, file.names[number], *file.mask(number)) for number in choose(file.names, wanted, thing)]
    known = any(each.grid.frame_of_reference_uid for each in usable.values())
    return _on_image(rois, usable, any_grid or known, thing)


def _contoured(path: Path, wanted: str, volumes: Volumes, any_grid: bool) -> list[Roi]:
    """Regions of a structure set, filled on the finest image in their frame of reference."""
    regions = {each.number: each for each in _structure_set(path)}
    rois = []
    for number in choose({number: each.name for number, each in regions.items()}, wanted, f"mask {path.name}"):
        region, thing = regions[number], f"ROI {number} of mask {path.name}"
        usable = _in_frame(region.frame_of_reference_uid, volumes, any_grid, thing)
        grid = min((volume.grid for volume in usable.values()), key=lambda grid: grid.voxel_volume)
        rois.append(Roi(number, region.name, fill_contours(region.contours, grid, thing).mask, grid))
    return rois


def _structure_set(path: Path) -> list[RegionOfInterest]:
    return read_structure_set([path.read_bytes()], SegmentSettings.load().contour_points)


def _on_image(rois: list[Roi], volumes: Volumes, one_space: bool, thing: str) -> list[Roi]:
    """The regions on the grid of the image that they were drawn on."""
    mask, grids = rois[0].grid, {role: volume.grid for role, volume in volumes.items()}
    home = next((grid for grid in grids.values() if on_grid(mask, grid)), None)
    if home is not None:
        return [Roi(each.number, each.name, place(each.mask, mask, home, thing), home) for each in rois]
    if one_space:
        return rois
    raise Permanent(
        thing,
        f"it is not on the grid of the image. {both(mask, grids)}",
        "give the mask that was drawn on the image, or say --any-grid if both are in one patient space",
    )


def _in_frame(frame: str, volumes: Volumes, any_grid: bool, thing: str) -> Volumes:
    """The images in a frame of reference; those of NIfTI and NRRD have none, and are taken to be in any."""
    usable = {
        role: each for role, each in volumes.items() if any_grid or each.grid.frame_of_reference_uid in (frame, "")
    }
    if not usable:
        raise Permanent(
            thing,
            "its frame of reference is not that of the image",
            "give the image that it was drawn on, or say --any-grid if both are in one patient space",
        )
    return usable
