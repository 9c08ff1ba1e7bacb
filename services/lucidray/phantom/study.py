"""Whole studies: a virtual patient in a virtual scanner, with the truth beside the objects."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from lucidray.phantom.acquire import acquire_ct, acquire_pet
from lucidray.phantom.anatomy import Region
from lucidray.phantom.ct import ct_series
from lucidray.phantom.lesion import Lesion, Texture
from lucidray.phantom.patient import VirtualPatient
from lucidray.phantom.pet import pet_series
from lucidray.phantom.rtstruct import structure_set
from lucidray.phantom.scanners import SCANNERS, Size, find
from lucidray.phantom.visit import Visit

Anomaly = Callable[[Sequence[Dataset]], list[Dataset]]


@dataclass(frozen=True)
class Truth:
    """What is really there, whatever a scanner made of it."""

    lesion: Lesion
    frame_of_reference_uid: str

    @property
    def volume_ml(self) -> float:
        """Exact volume of the lesion, ml."""
        return self.lesion.volume_ml

    @property
    def suv_mean(self) -> float:
        """Mean SUV of the lesion before any scanner blurs it, g/ml."""
        return self.lesion.suv_mean

    def mask(self, affine: npt.ArrayLike, shape: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
        """Which voxel centres of a grid lie in the lesion.

        Parameters
        ----------
        affine
            4x4 matrix from index (z, y, x, 1) to LPS mm (x, y, z, 1), any orientation,
            as `lucidray.contracts.grid.Grid.affine` gives it.
        shape
            Voxels along (z, y, x).

        Returns
        -------
        Mask of `shape`, axes (z, y, x).
        """
        points = _positions(np.asarray(affine, dtype=float), shape)
        low, high = self.lesion.bounds()
        near = ((points >= low) & (points <= high)).all(axis=1)
        near[near] = self.lesion.radius(points[near]) <= 1.0
        return np.asarray(near.reshape(shape))

    def uptake(self, affine: npt.ArrayLike, shape: tuple[int, int, int]) -> npt.NDArray[np.float64]:
        """True SUV at the voxel centres of a grid inside the lesion, 0 outside; arguments as for `mask`."""
        inside = self.mask(affine, shape)
        values = np.zeros(shape)
        values[inside] = self.lesion.uptake(_positions(np.asarray(affine, dtype=float), shape)[inside.ravel()])
        return values


def _positions(affine: npt.NDArray[np.float64], shape: tuple[int, int, int]) -> npt.NDArray[np.float64]:
    index = np.indices(shape).reshape(3, -1)
    return np.asarray((affine[:3, :3] @ index).T + affine[:3, 3])


@dataclass(frozen=True)
class PhantomStudy:
    """One study as its scanner wrote it, and the truth."""

    seed: int
    scanner: str
    datasets: list[Dataset]
    """CT, PET and RT structure set, ready to be written or sent."""
    truth: Truth

    def of(self, modality: str) -> list[Dataset]:
        """The objects of one modality (CT, PT, RTSTRUCT), in the order of the series."""
        return [dataset for dataset in self.datasets if dataset.Modality == modality]

    @property
    def study_instance_uid(self) -> str:
        """StudyInstanceUID of the study."""
        return str(self.datasets[0].StudyInstanceUID)

    def write(self, directory: Path) -> list[Path]:
        """Write every object as a DICOM file under MODALITY/NNNNNN.dcm and return the paths."""
        paths = []
        for position, dataset in enumerate(self.datasets, start=1):
            path = Path(directory) / str(dataset.Modality) / f"{position:06d}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            dataset.save_as(path, enforce_file_format=True)
            paths.append(path)
        return paths


def make_study(
    seed: int,
    *,
    scanner: str = "boreal",
    size: Size = "small",
    region: Region = "thigh",
    lesion_volume_ml: float | None = None,
    lesion_suv: float | None = None,
    texture: Texture | None = None,
    noise: bool = True,
    blur: bool = True,
    anomalies: Iterable[Anomaly] = (),
) -> PhantomStudy:
    """Scan the patient of a seed: CT, PET and contours with one frame of reference.

    The same arguments give the same bytes. The patient follows from the seed alone, so that
    one patient can visit every scanner.

    Parameters
    ----------
    scanner
        Name of a virtual scanner (`lucidray.phantom.SCANNERS`).
    size
        "small": quick, about 50 slices; "demo": looks like a scan, about 110 slices.
    region
        Part of the body.
    lesion_volume_ml, lesion_suv, texture
        Of the lesion; drawn from the seed when None.
    noise, blur
        Switch off what makes the scanner imperfect.
    anomalies
        Applied to the objects in turn (`lucidray.phantom.anomalies`).

    Raises
    ------
    Permanent
        Unknown scanner, or a lesion that does not fit into the body.
    """
    device = find(scanner)
    patient = VirtualPatient.from_seed(
        seed, region=region, lesion_volume_ml=lesion_volume_ml, lesion_suv=lesion_suv, texture=texture
    )
    key = (seed, scanner, size, region, lesion_volume_ml, lesion_suv, texture, noise, blur)
    visit = Visit.plan(patient, device, size, key)
    ct = ct_series(visit, acquire_ct(patient, device, size, noise=noise, blur=blur))
    pet = pet_series(visit, acquire_pet(patient, device, size, noise=noise, blur=blur))
    datasets = [*ct, *pet, structure_set(visit, ct)]
    for anomaly in anomalies:
        datasets = anomaly(datasets)
    return PhantomStudy(seed, scanner, datasets, Truth(patient.lesion, visit.frame_of_reference_uid))


def studies(count: int, seed: int = 0, *, size: Size = "small", region: Region = "thigh") -> Iterator[PhantomStudy]:
    """`count` studies of distinct patients, seeds from `seed` on, taking the scanners in turn; made one at a time."""
    keys = list(SCANNERS)
    for number in range(seed, seed + count):
        yield make_study(number, scanner=keys[number % len(keys)], size=size, region=region)
