"""Artifacts that are images: DICOM files, volumes and regions."""

import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lucidray.contracts.base import DICOM, JSON, NPY, TAR, Contract, Part, malformed
from lucidray.contracts.grid import Grid

Voxels = npt.NDArray[np.int16] | npt.NDArray[np.float32]


class DicomFiles(Contract[list[bytes]]):
    """DICOM Part 10 files, in no particular order.

    One file is a blob of its own; several are one tar (POSIX.1-1988 ustar), so that a series
    of hundreds of slices is made durable by one write instead of hundreds.
    """

    def write(self, value: list[bytes]) -> list[Part]:
        names = [f"{index:05d}.dcm" for index in range(len(value))]
        if len(value) == 1:
            return [Part(names[0], DICOM, value[0])]
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, data in zip(names, value, strict=True):
                member = tarfile.TarInfo(name)  # time, owner and mode stay at fixed defaults
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return [Part(f"{self.name}.tar", TAR, buffer.getvalue())]

    def read(self, parts: Sequence[Part]) -> list[bytes]:
        files: list[bytes] = []
        for part in parts:
            files.extend([part.data] if part.media_type == DICOM else self._unpacked(part))
        return files

    def _unpacked(self, part: Part) -> list[bytes]:
        try:
            with tarfile.open(fileobj=io.BytesIO(part.data), mode="r:") as archive:
                return [part.data[each.offset_data : each.offset_data + each.size] for each in archive]
        except tarfile.TarError as error:
            raise malformed(self.name, f"its tar does not read ({type(error).__name__})") from None


class VolumeFacts(BaseModel):
    """What a volume is, beside its voxels. De-identified."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grid: Grid
    modality: str = Field(description="DICOM Modality: CT, PT, MR")
    unit: str = Field(description="UCUM unit of the voxels: [hnsf'U] for HU, {SUVbw}g/ml for SUVbw, 1 if arbitrary")
    study_instance_uid: str = Field(description="Pseudonymous")
    series_instance_uid: str = Field(description="Pseudonymous")
    sop_class_uid: str
    sop_instance_uids: list[str] = Field(description="Pseudonymous; one per slice, in z order")
    acquired_at: str = Field("", description="Acquisition date and time of the first slice (shifted), DICOM DT")
    scanner: dict[str, str | float | list[float]] = Field(
        default_factory=dict, description="Manufacturer, model, kernel, ...; DICOM keywords"
    )
    processing: list[str] = Field(default_factory=list, description="What was applied to the stored values, in order")


@dataclass(frozen=True)
class Volume:
    """A volume: voxels (z, y, x), int16 (HU) or float32, in `facts.unit`, on `facts.grid`."""

    voxels: Voxels
    facts: VolumeFacts

    @property
    def grid(self) -> Grid:
        return self.facts.grid


class Concept(BaseModel):
    """A coded concept (DICOM PS3.3 table 8.8-1)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str
    scheme: str
    meaning: str


class Segment(BaseModel):
    """One region of a label map (DICOM PS3.3 C.8.20.4)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1, description="Value in the label map, from 1 without gaps")
    label: str
    category: Concept = Field(description="SegmentedPropertyCategoryCodeSequence")
    type: Concept = Field(description="SegmentedPropertyTypeCodeSequence")
    algorithm_type: Literal["MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"]
    algorithm_name: str = Field(description="Name of the bundle, or of the source when MANUAL")
    algorithm_version: str = ""
    tracking_uid: str = Field(description="UID of the lesion, the same in SEG and SR")
    tracking_id: str
    target: bool = Field(True, description="Whether features are measured in it")


class RegionsFacts(BaseModel):
    """What the regions are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grid: Grid
    source_role: str = Field(description="Role of the volume on whose grid the labels are")
    segments: list[Segment]


@dataclass(frozen=True)
class Regions:
    """Label map: voxels (z, y, x) uint8, 0 is background; on the grid of the volume `facts.source_role`."""

    labels: npt.NDArray[np.uint8]
    facts: RegionsFacts

    def mask(self, number: int) -> npt.NDArray[np.bool_]:
        """Boolean mask (z, y, x) of one segment."""
        return np.equal(self.labels, number)


class VolumeContract(Contract[Volume]):
    """A native volume: `voxels.npy` and `volume.json`."""

    def write(self, value: Volume) -> list[Part]:
        return [_json("volume.json", value.facts), Part("voxels.npy", NPY, to_npy(value.voxels))]

    def read(self, parts: Sequence[Part]) -> Volume:
        facts, array = _pair(self.name, parts, VolumeFacts, (np.int16, np.float32))
        return Volume(array, facts)


class RegionsContract(Contract[Regions]):
    """A label map: `labels.npy` and `regions.json`."""

    def write(self, value: Regions) -> list[Part]:
        return [_json("regions.json", value.facts), Part("labels.npy", NPY, to_npy(value.labels))]

    def read(self, parts: Sequence[Part]) -> Regions:
        facts, array = _pair(self.name, parts, RegionsFacts, (np.uint8,))
        return Regions(array, facts)


def to_npy(array: npt.NDArray[Any]) -> bytes:
    """An array as the bytes of an .npy file (NEP 1), no pickle."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def from_npy(data: bytes) -> npt.NDArray[Any]:
    """The array of an .npy file, read-only, without a copy."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, fortran, dtype = read_header(stream)
    if dtype.hasobject or fortran:
        raise ValueError("only C-ordered arrays of numbers")
    count = int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(data, dtype, count, stream.tell()).reshape(shape)


def _json(name: str, model: BaseModel) -> Part:
    return Part(name, JSON, model.model_dump_json().encode())


def _pair(name: str, parts: Sequence[Part], model: type[Any], dtypes: tuple[type, ...]) -> tuple[Any, npt.NDArray[Any]]:
    try:
        facts_part, array_part = sorted(parts, key=lambda part: part.media_type != JSON)
        facts = model.model_validate_json(facts_part.data)
        array = from_npy(array_part.data)
    except (ValueError, KeyError, ValidationError) as error:
        raise malformed(name, f"its parts do not read ({type(error).__name__})") from None
    if array.dtype not in dtypes or array.shape != facts.grid.shape:
        raise malformed(name, f"its array is {array.dtype} {array.shape}, its grid says {facts.grid.shape}")
    return facts, array
