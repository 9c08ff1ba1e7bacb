"""Pictures of a case: one slice with the outlines of its regions, the projection of its PET, an overview."""

import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from lucidray.console import field, planes, rendering
from lucidray.console.rendering import AXIAL, CORONAL, RGB, SOFT_TISSUE, UPTAKE, Window
from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Regions, Segment, Volume

T = TypeVar("T", bound=np.generic)

SIZE = 640  # pixels of the longer side of a panel
_ZOOM_MARGIN = 2.2  # width of the close-up, in widths of the lesion
_ZOOM_LEAST = 80.0  # mm
_PERCENTILES = (1.0, 99.0)  # window of images without a unit that has a usual one


@dataclass(frozen=True)
class CaseImages:
    """The images of a case, all upright (see `planes`), without the air around the body.

    Parameters
    ----------
    base
        The volume whose slices are shown: the CT where there is one.
    uptake
        The PET, on a grid of its own, or None.
    regions
        On the grid of one of them, or None before they exist.
    """

    base: Volume
    uptake: Volume | None
    regions: Regions | None

    @classmethod
    def of(cls, ct: Volume | None, pet: Volume | None, regions: Regions | None) -> "CaseImages":
        """From volumes as they were stored; at least one volume."""
        base = ct or pet
        if base is None:
            raise ValueError("no volume to show")
        under = planes.upright_volume(base)
        over = planes.upright_volume(pet) if pet is not None and ct is not None else None
        found = planes.upright_regions(regions) if regions is not None else None
        box = field.field_of_view(under, found)
        if over is not None:
            over = field.cropped(over, field.moved(box, under.grid, over.grid))
        return cls(field.cropped(under, box), over, found)

    @property
    def slices(self) -> int:
        """Number of slices, counted from the lowest."""
        return self.base.grid.shape[0]

    @property
    def pet(self) -> Volume | None:
        """The PET, whether it lies under or over."""
        return self.base if self.base.facts.modality == "PT" else self.uptake

    @cached_property
    def first_slice(self) -> int:
        """The slice to open with: where the regions are largest, else the middle."""
        if self.regions is None or not self.regions.labels.any():
            return self.slices // 2
        areas = np.count_nonzero(self.regions.labels, axis=(1, 2))
        return self._nearest_slice(self.regions.facts.grid, float(np.argmax(areas)))

    @cached_property
    def region_slices(self) -> list[bool]:
        """For each slice, whether a region lies in it."""
        if self.regions is None:
            return [False] * self.slices
        filled: list[bool] = np.any(self.regions.labels, axis=(1, 2)).tolist()
        source, target = self.regions.facts.grid, self.base.grid
        places = [self._nearest_slice(target, float(z), on=source) for z in range(self.slices)]
        inside = [_along_z(source, target, z) for z in range(self.slices)]
        return [bool(filled[at]) and -1 < exact < source.shape[0] for at, exact in zip(places, inside, strict=True)]

    def _nearest_slice(self, grid: Grid, index: float, on: Grid | None = None) -> int:
        on = on or self.base.grid
        return int(np.clip(np.floor(_along_z(on, grid, index) + 0.5), 0, on.shape[0] - 1))

    @cached_property
    def focus(self) -> tuple[npt.NDArray[np.float64], float] | None:
        """Centre (LPS, mm) of the regions' box and side of a square around it, mm; None without regions."""
        if self.regions is None or not self.regions.labels.any():
            return None
        labels, grid = self.regions.labels, self.regions.facts.grid
        ends = []
        for axis in range(3):
            others = tuple(each for each in range(3) if each != axis)
            filled = np.flatnonzero(labels.any(axis=others))
            ends.append((filled[0], filled[-1]))
        middle = np.array([(low + high) / 2 for low, high in ends])
        widths = [(high - low + 1) * step for (low, high), step in zip(ends, grid.spacing, strict=True)]
        centre = (grid.affine @ np.array([*middle, 1.0]))[:3]
        return centre, max(_ZOOM_LEAST, _ZOOM_MARGIN * max(widths[1:]))


def _along_z(on: Grid, grid: Grid, index: float) -> float:
    """Slice coordinate on one grid of the centre of a slice of another."""
    middle = [index, (grid.shape[1] - 1) / 2, (grid.shape[2] - 1) / 2, 1.0]
    return float((np.linalg.inv(on.affine) @ grid.affine @ np.array(middle))[0])


def window_of(volume: Volume) -> Window:
    """How a volume is usually shown."""
    if volume.facts.modality == "CT":
        return SOFT_TISSUE
    if "SUV" in volume.facts.unit:
        return UPTAKE
    low, high = np.percentile(volume.voxels[:: max(1, volume.grid.shape[0] // 16)], _PERCENTILES)
    return Window(0.0 if volume.facts.modality == "PT" else float(low), float(high))


def render_slice(
    images: CaseImages,
    index: int,
    layer: str = "base",
    *,
    outlines: bool = True,
    zoom: bool = False,
    size: int = SIZE,
) -> Image.Image:
    """One axial slice.

    Parameters
    ----------
    index
        Slice of the base volume, from the lowest.
    layer
        "base"; "uptake": the PET alone, inverted; "fused": the PET in colours over the base.
    zoom
        Only the neighbourhood of the regions.
    """
    index = min(max(index, 0), images.slices - 1)
    plane = planes.axial_plane(images.base.grid, index, size)
    if zoom and images.focus is not None:
        plane = planes.zoomed(plane, *images.focus)
    picture, name = _layer(images, plane, layer)
    if outlines and images.regions is not None:
        labels = planes.sample_labels(images.regions.labels, images.regions.facts.grid, plane)
        picture = rendering.draw_outlines(picture, labels)
    return rendering.annotate(picture, plane.pixel, AXIAL, f"{name}  {index + 1}/{images.slices}")


def _layer(images: CaseImages, plane: planes.Plane, layer: str) -> tuple[RGB, str]:
    base, uptake = images.base, images.uptake
    if uptake is None or layer == "base":
        return _shown(base, plane), _name(base)
    if layer == "uptake":
        return _shown(uptake, plane), _name(uptake)
    values = planes.sample(uptake.voxels, uptake.grid, plane, 0.0)
    return rendering.fused(_shown(base, plane), values, window_of(uptake)), f"{_name(base)} + {_name(uptake)}"


def _shown(volume: Volume, plane: planes.Plane) -> RGB:
    window = window_of(volume)
    values = planes.sample(volume.voxels, volume.grid, plane, window.low)
    return rendering.grey(values, window, inverted=volume.facts.modality == "PT")


def _name(volume: Volume) -> str:
    return "PET" if volume.facts.modality == "PT" else volume.facts.modality


def render_projection(images: CaseImages, index: int | None = None, *, size: int = SIZE) -> Image.Image | None:
    """Maximum intensity projection of the PET from the front, with the outlines of the regions.

    Parameters
    ----------
    index
        Slice of the base volume to mark with a line.

    Returns
    -------
    None without a PET.
    """
    pet = images.pet
    if pet is None:
        return None
    grid, voxels = _flat(pet.grid, pet.voxels.max(axis=1))
    plane = planes.coronal_plane(grid, size)
    picture = rendering.grey(planes.sample(voxels, grid, plane, 0.0), window_of(pet), inverted=True)
    if images.regions is not None:
        source, labels = _flat(images.regions.facts.grid, images.regions.labels.max(axis=1))
        # Seen from the front, depth does not matter: both are laid into the same plane.
        source = source.model_copy(update={"origin": (source.origin[0], grid.origin[1], source.origin[2])})
        picture = rendering.draw_outlines(picture, planes.sample_labels(labels, source, plane))
    image = rendering.annotate(picture, plane.pixel, CORONAL, "PET MIP")
    if index is not None:
        row = (pet.grid.shape[0] - 1 - _along_z(pet.grid, images.base.grid, index)) + 0.5
        y = row * pet.grid.spacing[0] / plane.pixel
        ImageDraw.Draw(image).line([(0, y), (image.width, y)], fill=rendering.PALETTE[4], width=1)
    return image


def _flat(grid: Grid, projected: npt.NDArray[T]) -> tuple[Grid, npt.NDArray[T]]:
    """A grid of one row in depth, thick enough to hold every plane near it."""
    flat = grid.model_copy(update={"shape": (grid.shape[0], 1, grid.shape[2]), "spacing": _deep(grid)})
    return flat, projected[:, None, :]


def _deep(grid: Grid) -> tuple[float, float, float]:
    return grid.spacing[0], grid.spacing[1] * grid.shape[1], grid.spacing[2]


def volume_ml(regions: Regions, segment: Segment) -> float:
    """Volume of a segment by counting voxels, ml."""
    return float(np.count_nonzero(regions.mask(segment.number))) * regions.facts.grid.voxel_volume / 1000


def to_png(image: Image.Image) -> bytes:
    """PNG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def render_case_overlay(ct: Volume, pet: Volume | None, regions: Regions, path: Path | None = None) -> bytes:
    """An overview of a case: CT, CT with PET, and the PET's projection, at the slice with the largest regions.

    Returns
    -------
    PNG bytes, also written to `path` if given.
    """
    images = CaseImages.of(ct, pet, regions)
    index = images.first_slice
    panels = [render_slice(images, index)]
    if images.uptake is not None:
        panels.append(render_slice(images, index, "fused"))
        projection = render_projection(images, index)
        if projection is not None:
            panels.append(projection)
    height = max(panel.height for panel in panels)
    width = sum(panel.width for panel in panels) + 4 * (len(panels) - 1)
    entries = [
        (rendering.colour_of(each.number), f"{each.label}   {volume_ml(regions, each):.1f} ml")
        for each in regions.facts.segments
    ]
    strip = rendering.legend(width, entries)
    whole = Image.new("RGB", (width, height + strip.height), (18, 20, 23))
    x = 0
    for panel in panels:
        whole.paste(panel, (x, (height - panel.height) // 2))
        x += panel.width + 4
    whole.paste(strip, (0, height))
    data = to_png(whole)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return data
