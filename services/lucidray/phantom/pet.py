"""PET image objects (DICOM PS3.3 A.21)."""

from datetime import datetime, timedelta

import numpy as np
from pydicom.dataset import Dataset

from lucidray.phantom import modules
from lucidray.phantom.sampling import Image
from lucidray.phantom.visit import F18_HALF_LIFE_SECONDS, F18_POSITRON_FRACTION, Visit

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.128"
_LARGEST = 32767
# Slices of one bed position, and the frame of time that the next one starts later.
_BED_SLICES = 15
_DOSE_CALIBRATION = "1"


def pet_series(visit: Visit, suv: Image) -> list[Dataset]:
    """One PET object a slice, in order of InstanceNumber; `suv` has shape (z, y, x), z growing to the head.

    Pixels hold activity concentration (BQML) or SUV itself (GML), as the scanner writes it.
    """
    system = visit.scanner.pet
    stored = suv if system.units == "GML" else suv / visit.suv_per_concentration
    peak = stored.max(axis=(1, 2)) if system.slope_per_slice else np.full(len(stored), stored.max())
    slices = [_slice(visit, index, stored[index], float(peak[index])) for index in range(len(stored))]
    return sorted(slices, key=lambda dataset: int(dataset.InstanceNumber))


def _slice(visit: Visit, index: int, values: Image, peak: float) -> Dataset:
    sampling = visit.scanner.pet.sampling[visit.size]
    dataset = modules.new_object(visit, SOP_CLASS, visit.uid("PT", index))
    modules.equipment(dataset, visit)
    modules.series(dataset, visit, "PT", 3, f"PET AC {visit.scanner.pet.method}")
    modules.plane(dataset, visit, sampling, index)
    _pet_series(dataset, visit)
    _isotope(dataset, visit)
    _pet_image(dataset, visit, index)
    slope = modules.number(float(f"{max(peak, 1e-6) / _LARGEST:.8g}"))
    dataset.RescaleIntercept, dataset.RescaleSlope = "0", slope
    dataset.BitsStored, dataset.HighBit = 16, 15
    stored = np.floor(values.astype(np.float64) / float(slope) + 0.5)
    dataset.SmallestImagePixelValue, dataset.LargestImagePixelValue = 0, _LARGEST
    modules.pixels(dataset, np.clip(stored, 0, _LARGEST).astype(np.int16))
    return dataset


def _pet_series(dataset: Dataset, visit: Visit) -> None:
    system, sampling = visit.scanner.pet, visit.scanner.pet.sampling[visit.size]
    dataset.SeriesDate, dataset.SeriesTime = modules.day(visit.pet_start), modules.time(visit.pet_start)
    dataset.Units, dataset.DecayCorrection = system.units, system.decay_correction
    if system.units == "GML":
        dataset.SUVType = "BW"
    dataset.CountsSource, dataset.SeriesType = "EMISSION", ["WHOLE BODY", "IMAGE"]
    dataset.NumberOfSlices = sampling.slices
    dataset.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "RAN", "DECY"]
    dataset.RandomsCorrectionMethod, dataset.ScatterCorrectionMethod = "SING", "Model-based"
    dataset.AttenuationCorrectionMethod = "measured from CT"
    dataset.ReconstructionMethod = system.method
    dataset.CollimatorType = "NONE"
    dataset.ConvolutionKernel = f"XYZ Gauss{system.blur_fwhm:.2f}"
    dataset.ReconstructionDiameter = modules.number(sampling.matrix * sampling.pixel)
    dataset.FieldOfViewShape = "CYLINDRICAL RING"
    dataset.DoseCalibrationFactor = _DOSE_CALIBRATION


def _isotope(dataset: Dataset, visit: Visit) -> None:
    drug = Dataset()
    drug.RadionuclideCodeSequence = modules.of(modules.code("77004003", "SCT", "^18^Fluorine"))
    drug.Radiopharmaceutical = "Fluorodeoxyglucose"
    drug.RadiopharmaceuticalCodeSequence = modules.of(modules.code("35321007", "SCT", "Fluorodeoxyglucose F^18^"))
    drug.RadiopharmaceuticalRoute = "Intravenous route"
    drug.RadiopharmaceuticalStartTime = modules.time(visit.injection)
    drug.RadiopharmaceuticalStartDateTime = modules.day(visit.injection) + modules.time(visit.injection)
    drug.RadionuclideTotalDose = modules.number(visit.dose_bq)
    drug.RadionuclideHalfLife = modules.number(F18_HALF_LIFE_SECONDS)
    drug.RadionuclidePositronFraction = modules.number(F18_POSITRON_FRACTION)
    dataset.RadiopharmaceuticalInformationSequence = modules.of(drug)
    window = Dataset()
    window.EnergyWindowLowerLimit, window.EnergyWindowUpperLimit = "425", "650"
    dataset.EnergyWindowRangeSequence = modules.of(window)
    recumbent = modules.code("102538003", "SCT", "recumbent")
    recumbent.PatientOrientationModifierCodeSequence = modules.of(modules.code("40199007", "SCT", "supine"))
    dataset.PatientOrientationCodeSequence = modules.of(recumbent)
    dataset.PatientGantryRelationshipCodeSequence = modules.of(modules.code("102540008", "SCT", "headfirst"))


def _pet_image(dataset: Dataset, visit: Visit, index: int) -> None:
    system, sampling = visit.scanner.pet, visit.scanner.pet.sampling[visit.size]
    # Beds are scanned from the feet upwards.
    waited = (index // _BED_SLICES) * system.frame_seconds
    moment: datetime = visit.pet_start + timedelta(seconds=waited)
    since = waited if system.decay_correction == "START" else (moment - visit.injection).total_seconds()
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.AcquisitionDate, dataset.AcquisitionTime = modules.day(moment), modules.time(moment)
    dataset.ContentDate, dataset.ContentTime = modules.day(moment), modules.time(moment)
    dataset.AcquisitionNumber = 1
    dataset.ActualFrameDuration = system.frame_seconds * 1000
    dataset.FrameReferenceTime = modules.number((waited + system.frame_seconds / 2) * 1000.0)
    dataset.DecayFactor = f"{2.0 ** (since / F18_HALF_LIFE_SECONDS):.6f}"
    dataset.ScatterFractionFactor = "0.35"
    dataset.ImageIndex = sampling.slices - index if visit.scanner.feet_first_numbering else index + 1
    modules.private(dataset, visit, 0x0055, {0x01: visit.scanner.station, 0x02: visit.accession_number})
