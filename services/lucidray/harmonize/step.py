"""The step: SERIES to VOLUME, one per image role, and what the series say of scanner and patient."""

from collections.abc import Sequence

from pydicom import Dataset

from lucidray.contracts.catalogue import SCANNER, SERIES, STEPS, VARIABLES, VOLUME
from lucidray.contracts.images import Volume, VolumeFacts
from lucidray.contracts.parameters import HarmonizeParameters
from lucidray.core.case import quality_flag
from lucidray.core.errors import Permanent
from lucidray.harmonize.patient import Said, clinical_variables, said_of_patient
from lucidray.harmonize.scanner import record_of, scanner_attributes
from lucidray.harmonize.settings import HarmonizeSettings
from lucidray.harmonize.voxels import rescale
from lucidray.imaging.dicom import IMAGE_CLASSES, read_object, text, tolerant, value
from lucidray.imaging.geometry import Gaps, SliceStack, stack_slices
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult
from lucidray.v1.case_pb2 import QualityFlag

MODALITIES = frozenset({"CT", "PT", "MR"})


class Harmonize(Step[HarmonizeParameters]):
    """Series to native volumes: true geometry, HU or SUV, nothing interpolated."""

    spec = STEPS["harmonize"]
    parameters = HarmonizeParameters

    def __init__(self, settings: HarmonizeSettings) -> None:
        self._settings = settings

    def run(self, case: CaseFacts, inputs: Inputs, parameters: HarmonizeParameters) -> StepResult:
        volumes: dict[str, Volume] = {}
        patient: dict[str, Said] = {}
        quality: list[QualityFlag] = []
        for role in parameters.roles or inputs.roles(SERIES):
            thing = f"series of role '{role}'"
            objects = inputs.read(SERIES, role)
            with tolerant():
                slices = image_slices(objects, thing)
                if not slices:
                    continue
                patient[role] = said_of_patient(slices)
                volume, flags = make_volume(slices, thing, parameters.gaps, self._settings.voxels)
            volumes[role] = volume
            quality += flags
        if not volumes:
            raise Permanent(
                f"case {case.case_id}", "none of its roles holds CT, PT or MR images", "select an image in the workflow"
            )
        artifacts = [Artifact(VOLUME, volume, role) for role, volume in volumes.items()]
        records = [Artifact(SCANNER, record_of(volume.facts), role) for role, volume in volumes.items()]
        summary = {role: _summary(volume) for role, volume in volumes.items()}
        variables = Artifact(VARIABLES, clinical_variables(patient))
        return StepResult([*artifacts, *records, variables], quality, summary)


def build() -> Step[HarmonizeParameters]:
    """The step with this process's settings."""
    return Harmonize(HarmonizeSettings.load())


def image_slices(objects: Sequence[bytes], thing: str) -> list[Dataset]:
    """The images of a role; none if the role holds no images (a structure set).

    Raises
    ------
    Permanent
        The role holds several series, images besides other objects, or images of an enhanced class.
    """
    if not objects:
        raise Permanent(thing, "it has no objects", "select a series in the workflow")
    first = read_object(objects[0], thing, pixels=False)
    if text(first, "Modality") not in MODALITIES:
        return []
    slices = [read_object(data, thing) for data in objects]
    if len({text(one, "SeriesInstanceUID") for one in slices}) > 1:
        raise Permanent(thing, "it holds more than one series", "narrow `select` of this input in the workflow")
    classes = {text(one, "SOPClassUID") for one in slices}
    if not classes <= IMAGE_CLASSES or len(classes) > 1:
        raise Permanent(
            thing,
            "its objects are not all single-frame CT, PET or MR images (enhanced multi-frame images are not read yet)",
            "send the series as single-frame images",
        )
    return slices


def make_volume(
    slices: Sequence[Dataset], thing: str, gaps: Gaps, most_voxels: int
) -> tuple[Volume, list[QualityFlag]]:
    """The native volume of a series, and remarks on its quality.

    Raises
    ------
    Permanent
        Geometry or values are not sound; names the slices or the attribute.
    """
    stack = stack_slices(slices, thing, gaps=gaps)
    size = stack.grid.shape[0] * stack.grid.shape[1] * stack.grid.shape[2]
    if size > most_voxels:
        raise Permanent(thing, f"it has {size} voxels, more than {most_voxels}", "raise setting harmonize.voxels")
    ordered = [slices[index] for index in stack.order]
    first = ordered[0]
    modality = text(first, "Modality")
    rescaled = rescale(ordered, modality, thing)
    facts = VolumeFacts(
        grid=stack.grid,
        modality=modality,
        unit=rescaled.unit,
        study_instance_uid=text(first, "StudyInstanceUID"),
        series_instance_uid=text(first, "SeriesInstanceUID"),
        sop_class_uid=text(first, "SOPClassUID"),
        sop_instance_uids=[text(one, "SOPInstanceUID") for one in ordered],
        acquired_at=_acquired_at(first),
        scanner=scanner_attributes(ordered, modality),
        processing=rescaled.processing,
    )
    flags = _geometry_flags(stack, thing)
    flags += [quality_flag("harmonize", code, message, warning=warning) for code, message, warning in rescaled.remarks]
    return Volume(rescaled.voxels, facts), flags


def _geometry_flags(stack: SliceStack, thing: str) -> list[QualityFlag]:
    flags = []
    if stack.dropped:
        message = f"{thing}: slices are missing; {stack.dropped} beyond the longest run without a gap are left out"
        flags.append(quality_flag("harmonize", "slices-left-out", message))
    if not stack.one_frame:
        message = f"{thing}: each slice names a frame of reference of its own; their positions were trusted"
        flags.append(quality_flag("harmonize", "frame-of-reference-per-slice", message))
    if not stack.uniform:
        distance = stack.deviation * stack.grid.spacing[0]
        message = f"{thing}: slices lie up to {distance:.3f} mm from an even spacing of {stack.grid.spacing[0]:.3f} mm"
        flags.append(quality_flag("harmonize", "uneven-spacing", message))
    return flags


def _acquired_at(first: Dataset) -> str:
    """Acquisition date and time as DICOM DT, else the series'; empty if neither is there."""
    if moment := text(first, "AcquisitionDateTime"):
        return moment
    for what in ("Acquisition", "Series"):
        if date := text(first, f"{what}Date"):
            return date + str(value(first, f"{what}Time", ""))
    return ""


def _summary(volume: Volume) -> str:
    z, y, x = volume.grid.spacing
    return f"{volume.facts.modality} {volume.voxels.shape}, {z:.4g} x {y:.4g} x {x:.4g} mm, {volume.facts.unit}"
