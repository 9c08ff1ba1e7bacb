"""What goes wrong in hospitals, as functions from the objects of a study to those that arrive.

Each takes a list of datasets and returns a new one; what it changes is copied, so that the
original study stays as it was. They compose: `make_study(7, anomalies=(drop_slice, remove_dose))`;
`functools.partial` sets the options.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from lucidray.core.errors import Permanent
from lucidray.phantom.uids import uid


def drop_slice(datasets: Sequence[Dataset], modality: str = "CT") -> list[Dataset]:
    """One slice in the middle of the series never arrives."""
    missing = _middle(datasets, modality)
    return [dataset for dataset in datasets if dataset is not missing]


def duplicate_slice(datasets: Sequence[Dataset], modality: str = "CT") -> list[Dataset]:
    """A slice in the middle comes twice, as two instances at the same position."""
    original = _middle(datasets, modality)
    twin = _renamed(original, "duplicate")
    at = next(i for i, dataset in enumerate(datasets) if dataset is original)
    return [*datasets[: at + 1], twin, *datasets[at + 1 :]]


def remove_dose(datasets: Sequence[Dataset]) -> list[Dataset]:
    """The PET series does not say how much was injected (RadionuclideTotalDose)."""

    def change(dataset: Dataset) -> None:
        del dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose

    return _changed(datasets, "PT", change)


def remove_weight(datasets: Sequence[Dataset]) -> list[Dataset]:
    """The PET series does not say how heavy the patient is (PatientWeight)."""

    def change(dataset: Dataset) -> None:
        del dataset.PatientWeight

    return _changed(datasets, "PT", change)


def second_ct_series(datasets: Sequence[Dataset]) -> list[Dataset]:
    """The CT is there twice, as two series that both could be meant."""
    second = []
    for dataset in _of(datasets, "CT"):
        copy = _renamed(dataset, "second series")
        copy.SeriesInstanceUID = uid(dataset.SeriesInstanceUID, "second series")
        copy.SeriesNumber, copy.SeriesDescription = 4, "CT second reconstruction"
        second.append(copy)
    return [*datasets, *second]


def two_accessions(datasets: Sequence[Dataset]) -> list[Dataset]:
    """The PET was ordered separately: a second AccessionNumber in the same study, which is normal."""

    def change(dataset: Dataset) -> None:
        dataset.AccessionNumber = f"{dataset.AccessionNumber}B"

    return _changed(datasets, "PT", change)


def conflicting_birth_dates(datasets: Sequence[Dataset]) -> list[Dataset]:
    """The PET series says another birth date than the CT."""

    def change(dataset: Dataset) -> None:
        year = int(str(dataset.PatientBirthDate)[:4])
        dataset.PatientBirthDate = f"{year + 1}{str(dataset.PatientBirthDate)[4:6]}01"

    return _changed(datasets, "PT", change)


def truncate_pixels(datasets: Sequence[Dataset], modality: str = "CT") -> list[Dataset]:
    """A slice in the middle holds only half of its pixels, under an otherwise valid header."""
    victim = _middle(datasets, modality)
    short = deepcopy(victim)
    half = len(victim.PixelData) // 2
    short.PixelData = victim.PixelData[: half - half % 2]
    return [short if dataset is victim else dataset for dataset in datasets]


def truncate_file(path: Path, share: float = 0.5) -> None:
    """Cut a written file, as a full disk or a lost connection does; `share` of its bytes stay."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def _of(datasets: Sequence[Dataset], modality: str) -> list[Dataset]:
    found = [dataset for dataset in datasets if dataset.Modality == modality]
    if not found:
        raise Permanent("phantom study", f"has no {modality} objects to spoil", "spoil it before removing them")
    return found


def _middle(datasets: Sequence[Dataset], modality: str) -> Dataset:
    found = _of(datasets, modality)
    return found[len(found) // 2]


def _renamed(dataset: Dataset, why: str) -> Dataset:
    copy = deepcopy(dataset)
    copy.SOPInstanceUID = uid(dataset.SOPInstanceUID, why)
    copy.file_meta.MediaStorageSOPInstanceUID = UID(copy.SOPInstanceUID)
    return copy


def _changed(datasets: Sequence[Dataset], modality: str, change: Callable[[Dataset], None]) -> list[Dataset]:
    _of(datasets, modality)
    result = []
    for dataset in datasets:
        if dataset.Modality == modality:
            dataset = deepcopy(dataset)
            change(dataset)
        result.append(dataset)
    return result
