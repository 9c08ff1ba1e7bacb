"""Regions to compare implementations on: sarcomas in PET, CT and MR, a lung nodule, and random ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from scipy import ndimage

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.lab.features.dicom_folder import read_series
from lucidray.lab.nifti import read_nifti
from lucidray.lab.robustness.lidc import reader_masks
from lucidray.quantify.arrays import array_volume
from lucidray.quantify.ibsi import FAMILY_CODES, Aggregation
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Mask, Region, prepare, resegment

AGGREGATIONS: tuple[Aggregation, ...] = ("2D:avg", "2D:mrg", "2.5D:avg", "2.5D:mrg", "3D:avg", "3D:mrg")
RANDOM = 200
_BINS = Discretisation(method="fixed_bin_number", value=32)
# Grid of the measurement by image of the cohort, (z, y, x) in mm; none: its own. Moran's I and Geary's C pair by pair,
# as mirp sums them, would take mirp an hour for one MR tumour on its own grid of 1 mm.
_SPACINGS = {"PET": None, "MR_T1": (None, 3.0, 3.0), "CT": None}
_MODALITIES: dict[str, Literal["CT", "PT", "MR"]] = {"PET": "PT", "MR_T1": "MR", "CT": "CT"}
_KINDS = {"PET": "sarcoma, PET", "MR_T1": "sarcoma, MR", "CT": "sarcoma, CT"}
_STEP, _OFFSET = 2.0, -250.0  # the CT crops keep HU as (HU + 250) / 2
# Image and mask lie on one grid, whose place in the patient is of no concern here.
_PLAIN = {"origin": (0.0, 0.0, 0.0), "axes": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))}


@dataclass(frozen=True)
class Case:
    """A region and how it is measured; `measurement.aggregation` is one."""

    kind: str
    name: str
    region: Region
    measurement: Measurement

    @property
    def digest(self) -> str:
        """Of all that is measured and how."""
        region = self.region
        parts = (region.voxels.tobytes(), region.mask.tobytes(), region.intensity_mask.tobytes())
        how = f"{region.voxels.shape} {region.spacing} {self.measurement.model_dump_json()}"
        return sha256(b"".join((*parts, how.encode()))).hexdigest()


def sarcomas(data: Path, patients: int | None = None) -> Iterator[Case]:
    """The first patients of the cohort in PET and MR (native files) and CT (3 mm crops), each aggregation in turn."""
    folders = sorted((data / "sts_cohort" / "native_roi_masked8mm").glob("STS_*"))[:patients]
    for number, folder in enumerate(folders):
        for shift, (image, modality) in enumerate(_MODALITIES.items()):
            measurement = _measurement(modality, AGGREGATIONS[(number + shift) % len(AGGREGATIONS)]).model_copy(
                update={"spacing": _SPACINGS[image]}
            )
            found = _crop(data, folder.name, measurement) if image == "CT" else _native(folder, image, measurement)
            region = prepare(*found, measurement) if found else None
            if region is not None:
                yield Case(_KINDS[image], f"{folder.name} {image}", region, measurement)


def nodule(data: Path) -> Iterator[Case]:
    """The nodule of LIDC-IDRI-0314 as each reader saw it, on the native grid."""
    folder = data / "lidc"
    volume = read_series(folder / "LIDC-IDRI-0314_ct_jpegls", "CT")
    masks = reader_masks(folder / "LIDC-IDRI-0314_contours.csv", volume)
    for number, (reader, mask) in enumerate(masks.items()):
        measurement = _measurement("CT", AGGREGATIONS[number % len(AGGREGATIONS)])
        region = prepare(volume, mask, volume.grid, measurement)
        if region is not None:
            yield Case("lung nodule, CT", f"LIDC-IDRI-0314 reader {reader}", region, measurement)


def random_regions(count: int = RANDOM) -> Iterator[Case]:
    """Noise of random smoothness in random blobs: any size and spacing, parts, holes, flat slices, image borders."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        shape = tuple(int(size) for size in rng.integers(3, 16, 3))
        noise = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(0, 2))
        voxels = np.clip(np.rint(noise / noise.std() * rng.uniform(2, 40) + 60), 1, None)
        blob = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(0.5, 2))
        mask: Mask = blob > rng.uniform(-0.05, 0.05)
        bins = (_BINS, Discretisation(method="fixed_bin_size", value=float(rng.integers(2, 25))))[seed % 2]
        measurement = _measurement(("CT", "PT", "MR")[seed % 3], AGGREGATIONS[seed % 6]).model_copy(
            update={"discretisation": bins, "intensity_range": (0.0, None), "outliers": None}
        )
        if mask.sum() > 1:
            kept = resegment(voxels, mask, measurement)
            z, y, x = (float(step) for step in rng.uniform(0.5, 5, 3))
            yield Case("random", f"random {seed}", Region(voxels, mask, kept, (z, y, x)), measurement)


def _measurement(modality: str, aggregation: Aggregation) -> Measurement:
    return Measurement.model_validate(
        {
            "role": modality,
            "modality": modality,
            "unit": "1",
            "rounded": modality == "CT",
            "intensity_range": (0.0, None) if modality == "PT" else (None, None),
            "outliers": 3.0 if modality == "MR" else None,
            "discretisation": _BINS.model_dump(),
            "aggregation": aggregation,
            "families": list(FAMILY_CODES),
        }
    )


def _native(folder: Path, name: str, measurement: Measurement) -> tuple[Volume, Mask, Grid] | None:
    if not (folder / f"{name}_image.nii.gz").is_file():
        return None
    voxels, grid = read_nifti(folder / f"{name}_image.nii.gz")
    mask, mask_grid = read_nifti(folder / f"{name}_mask.nii.gz")
    return array_volume(voxels, measurement, grid.spacing), mask > 0, mask_grid.model_copy(update=_PLAIN)


def _crop(data: Path, patient: str, measurement: Measurement) -> tuple[Volume, Mask, Grid] | None:
    path = data / "sts_cohort" / "iso3mm_ctpet" / f"{patient}.npz"
    if not path.is_file():
        return None
    content = np.load(path)
    z, y, x = (float(step) for step in content["spacing_mm"])
    volume = array_volume((content["ct_u8"] * _STEP + _OFFSET).astype(np.int16), measurement, (z, y, x))
    return volume, content["gtv"] > 0, volume.grid
