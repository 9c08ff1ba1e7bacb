"""CT image objects (DICOM PS3.3 A.3)."""

from datetime import timedelta

import numpy as np
from pydicom.dataset import Dataset

from lucidray.phantom import modules
from lucidray.phantom.sampling import Image
from lucidray.phantom.visit import Visit

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.2"
_PADDING = -2000
_UNSIGNED_INTERCEPT = -1024
_STORED_RANGE = (-1024, 3071)


def ct_series(visit: Visit, image: Image) -> list[Dataset]:
    """One CT object a slice, in order of InstanceNumber; `image` is HU, shape (z, y, x), z growing to the head."""
    sampling = visit.scanner.ct.sampling[visit.size]
    outside = _outside_field_of_view(sampling.matrix)
    slices = [_slice(visit, index, image[index], outside) for index in range(sampling.slices)]
    return sorted(slices, key=lambda dataset: int(dataset.InstanceNumber))


def _slice(visit: Visit, index: int, image: Image, outside: np.ndarray) -> Dataset:
    system, sampling = visit.scanner.ct, visit.scanner.ct.sampling[visit.size]
    dataset = modules.new_object(visit, SOP_CLASS, visit.uid("CT", index))
    modules.equipment(dataset, visit)
    modules.series(dataset, visit, "CT", 2, f"CT ATTN {system.kernel} {sampling.thickness:g}mm")
    modules.plane(dataset, visit, sampling, index)
    _acquisition(dataset, visit, index)
    # Half away from zero everywhere, so that the bytes do not hang on banker's rounding of a platform.
    numbers = np.floor(np.clip(image, *_STORED_RANGE) + 0.5).astype(np.int16)
    dataset.RescaleSlope, dataset.RescaleType = "1", "HU"
    dataset.WindowCenter, dataset.WindowWidth = "40", "400"
    if system.signed:
        dataset.RescaleIntercept, dataset.BitsStored, dataset.HighBit = "0", 16, 15
        if system.padding:
            dataset.PixelPaddingValue = _PADDING
            numbers = np.where(outside, np.int16(_PADDING), numbers)
        modules.pixels(dataset, numbers)
    else:
        dataset.RescaleIntercept, dataset.BitsStored, dataset.HighBit = str(_UNSIGNED_INTERCEPT), 12, 11
        modules.pixels(dataset, (numbers - _UNSIGNED_INTERCEPT).astype(np.uint16))
    return dataset


def _acquisition(dataset: Dataset, visit: Visit, index: int) -> None:
    system, sampling = visit.scanner.ct, visit.scanner.ct.sampling[visit.size]
    begin = visit.start + timedelta(seconds=45)
    moment = begin + timedelta(seconds=0.2 * index)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SeriesDate, dataset.SeriesTime = modules.day(begin), modules.time(begin)
    dataset.AcquisitionDate, dataset.AcquisitionTime = modules.day(begin), modules.time(begin)
    dataset.ContentDate, dataset.ContentTime = modules.day(moment), modules.time(moment)
    dataset.AcquisitionNumber, dataset.PatientPosition = 1, "HFS"
    dataset.ScanOptions = "HELICAL MODE"
    dataset.KVP = system.kvp
    dataset.ExposureTime, dataset.XRayTubeCurrent = 800, system.tube_current
    dataset.Exposure = round(system.tube_current * 0.8)
    dataset.ConvolutionKernel, dataset.FilterType = system.kernel, "BODY FILTER"
    dataset.ReconstructionDiameter = dataset.DataCollectionDiameter = modules.number(sampling.matrix * sampling.pixel)
    dataset.GantryDetectorTilt, dataset.TableHeight, dataset.RotationDirection = "0", "150", "CW"
    modules.private(dataset, visit, 0x0009, {0x01: visit.scanner.station, 0x02: str(dataset.PatientName)})


def _outside_field_of_view(matrix: int) -> np.ndarray:
    offset = np.arange(matrix) - (matrix - 1) / 2
    return np.asarray(np.hypot(offset[:, None], offset[None, :]) > matrix / 2)
