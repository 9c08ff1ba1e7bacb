"""The features of one subject: images and masks read, every region measured by the engine that serves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from lucidray.contracts.catalogue import STEPS
from lucidray.contracts.images import Regions, RegionsFacts, Segment, Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.codes import MORPHOLOGICALLY_ABNORMAL_STRUCTURE, NEOPLASM
from lucidray.lab.features.dicom_folder import scan
from lucidray.lab.features.images import read_image
from lucidray.lab.features.lesion import LesionRow
from lucidray.lab.features.rois import Roi, read_rois
from lucidray.quantify.engine import software
from lucidray.quantify.preset import Preset
from lucidray.quantify.step import Measured, embed_regions, measure
from lucidray.serving.bundle import BundleShelf


class Subject(BaseModel):
    """What is measured of a subject."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    images: dict[str, Path] = Field(description="By role; '' is a folder to search by modality")
    masks: dict[str, Path] = Field(description="By the role that a mask was drawn on; '' is for all")
    roi: str = Field("", description="Name, pattern or number of the regions; empty: all")
    any_grid: bool = Field(False, description="Whether a mask may be on a grid of its own in the same patient space")


def measure_subject(subject: Subject, preset: Preset) -> list[LesionRow]:
    """A row for every region of a subject.

    Raises
    ------
    Permanent
        An image or a mask does not read, or the two do not belong together.
    """
    volumes = read_volumes(subject.images, preset)
    if "" in subject.masks:
        rois = read_rois(subject.masks[""], subject.roi, volumes, any_grid=subject.any_grid)
        return [_row(subject, roi.name, [(volumes, roi)], preset) for roi in rois]
    parts = [({role: volume}, _one_roi(subject, role, volume)) for role, volume in volumes.items()]
    row = _row(subject, parts[0][1].name, parts, preset)
    apart = [f"{each.role} is not measured together: it needs one mask for both images" for each in preset.hybrids]
    return [row.model_copy(update={"remarks": row.remarks + apart})]


def engine_of(preset: Preset) -> str:
    """What rows depend on beside files and preset: software, version of the algorithm, bundles that embed."""
    bundles = sorted({f"{each.bundle} {BundleShelf().find(each.bundle).digest}" for each in preset.deep})
    return "; ".join([software(), STEPS["quantify"].algorithm_version, *bundles])


def label_of(preset: Preset) -> str:
    """A preset in a table: its name and the head of its digest."""
    return f"{preset.name} {preset.digest[:12]}"


def read_volumes(images: Mapping[str, Path], preset: Preset) -> dict[str, Volume]:
    """The images by role, each in the modality and unit that the preset measures.

    Parameters
    ----------
    images
        By role; '' is a folder whose series are taken by their modality, or a file of the preset's only role.

    Raises
    ------
    Permanent
        An image does not read, there is none, or the preset does not measure its role.
    """
    wanted = {each.role: each for each in reversed(preset.measurements)}
    named = {role: path for role, path in images.items() if role} | _searched(images.get(""), preset)
    unknown = sorted(set(named) - set(wanted))
    if unknown or not named:
        cause = f"not {', '.join(unknown)}" if unknown else "and no such image was found"
        raise Permanent(
            f"preset '{preset.name}'",
            f"it measures {', '.join(sorted(wanted))}, {cause}",
            "name the images by the roles of the preset, or choose another preset",
        )
    return {role: read_image(path, wanted[role].modality, wanted[role].unit) for role, path in named.items()}


def only_role(preset: Preset, thing: str) -> str:
    """The role of a file that does not say whose it is.

    Raises
    ------
    Permanent
        The preset has several.
    """
    roles = sorted({each.role for each in preset.measurements})
    if len(roles) != 1:
        raise Permanent(
            thing,
            f"preset '{preset.name}' measures {', '.join(roles)}, and the image does not say which it is",
            "name the role: a column image.ROLE, a file ROLE_image, or --image ROLE=PATH",
        )
    return roles[0]


def _searched(path: Path | None, preset: Preset) -> dict[str, Path]:
    """A folder, for every role whose modality its DICOM objects have."""
    if path is None:
        return {}
    if not path.is_dir():
        return {only_role(preset, f"image {path.name}"): path}
    there = {each.modality for each in scan(path)}
    found = {each.role: path for each in preset.measurements if each.modality in there}
    if not found:
        wanted = " or ".join(sorted({each.modality for each in preset.measurements}))
        held = ", ".join(sorted(filter(None, there))) or "none at all"
        cause = f"it holds no DICOM object of modality {wanted}, but {held}"
        raise Permanent(f"folder {path.name}", cause, "name the folder of the images, or choose another preset")
    return found


def _one_roi(subject: Subject, role: str, volume: Volume) -> Roi:
    """The region of a mask that was drawn on one image only: it must be one, to be the same lesion in all."""
    if role not in subject.masks:
        raise Permanent(f"image of role '{role}'", "it has no mask", f"give mask.{role}, or one mask for all images")
    rois = read_rois(subject.masks[role], subject.roi, {role: volume}, any_grid=subject.any_grid)
    if len(rois) != 1:
        raise Permanent(
            f"mask of role '{role}'",
            f"it holds {len(rois)} regions; with a mask for each image, a lesion is the one region of each",
            "name the region by roi",
        )
    return rois[0]


def _row(subject: Subject, name: str, parts: Sequence[tuple[dict[str, Volume], Roi]], preset: Preset) -> LesionRow:
    bundles = {each.bundle: BundleShelf().find(each.bundle) for each in preset.deep}
    measured: list[Measured] = []
    for volumes, roi in parts:
        measured += measure(preset, volumes, _regions(roi))
        measured += embed_regions(preset, bundles, volumes, _regions(roi))
    features = [feature for each in measured for feature in each.features]
    given = {role for volumes, _ in parts for role in volumes}
    missing = [role for role in dict.fromkeys(each.role for each in preset.measurements) if role not in given]
    undefined = bool(features) and all(each.value is None for each in features)
    return LesionRow(
        subject=subject.name,
        roi=name,
        status="undefined" if undefined else "measured",
        reason="; ".join(dict.fromkeys(each.reason for each in features)) if undefined else "",
        preset=label_of(preset),
        software=software(),
        remarks=[
            *(f"{role} is not measured: no such image was given" for role in missing),
            *(remark.message.removeprefix("segment 1 ") for each in measured for remark in each.remarks),
        ],
        features=features,
    )


def _regions(roi: Roi) -> Regions:
    segment = Segment(
        number=1,
        label="region",
        category=MORPHOLOGICALLY_ABNORMAL_STRUCTURE,
        type=NEOPLASM,
        algorithm_type="MANUAL",
        algorithm_name="",
        tracking_uid="",
        tracking_id="",
    )
    return Regions(roi.mask.astype(np.uint8), RegionsFacts(grid=roi.grid, source_role="", segments=[segment]))
