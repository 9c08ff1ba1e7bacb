"""The field's radiomics packages, each as a function of a region; one that is not installed is none.

Each computes the shape, statistics, histogram and texture families that it has, with 32 bins, by its own defaults
otherwise. pictologics has a module of its own.
"""

import contextlib
import importlib.util
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lucidray.lab.oracles.mirp_oracle import mirp_values
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.region import Region
from lucidray.quantify.sample import Sample

BINS = 32
Peer = Callable[[Region, Measurement], int]  # returns the number of features


def peers() -> Mapping[str, Peer]:
    """Those that are installed, by name."""
    known = {
        "mirp": ("mirp", _mirp),
        "pyradiomics": ("radiomics", _pyradiomics),
        "flash-radiomics": ("flash_radiomics", _flash),
        "nyxus": ("nyxus", _nyxus),
        "nyxus, image alone": ("nyxus", _nyxus_alone),
    }
    found = {name: peer for name, (module, peer) in known.items() if importlib.util.find_spec(module)}
    for name in known.keys() - found.keys():
        print(f"{name} is not installed: no row; pip install -e '.[bench]' (see docs/radiomics.md for pyradiomics)")
    return found


def _mirp(region: Region, measurement: Measurement) -> int:
    wanted = frozenset(
        name
        for name, each in definitions().items()
        if each.family in measurement.families and each.name not in measurement.without
    )
    return len(mirp_values(Sample(region, measurement, measurement.discretisation), wanted, "3D:mrg"))


def _pyradiomics(region: Region, _: Measurement) -> int:
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    classes = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
    return _by_itk(RadiomicsFeatureExtractor, classes, region)


def _flash(region: Region, _: Measurement) -> int:
    from flash_radiomics.featureextractor import RadiomicsFeatureExtractor

    classes = ("shape", "firstorder", "ih", "ivh", "glcm", "glrlm", "glszm", "gldzm", "gldm", "ngtdm")
    return _by_itk(RadiomicsFeatureExtractor, classes, region)


def _by_itk(extractor: Any, classes: tuple[str, ...], region: Region) -> int:
    import SimpleITK

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), _quiet():  # flash-radiomics leaves files
        image = SimpleITK.GetImageFromArray(region.voxels)
        mask = SimpleITK.GetImageFromArray(region.mask.astype(np.uint8))
        made = extractor(binCount=BINS, additionalInfo=False)
        made.disableAllFeatures()
        for each in classes:
            made.enableFeatureClassByName(each)
        return len(made.execute(image, mask))


def _nyxus(region: Region, _: Measurement) -> int:
    """Twice: it bins no volumes, so that texture wants grey levels, and intensities and shape the image itself."""
    low, high = region.voxels[region.mask].min(), region.voxels[region.mask].max()
    levels = np.minimum(np.floor(BINS * (region.voxels - low) / (high - low)) + 1, BINS)
    texture = [f"*3D_{family}*" for family in ("GLCM", "GLRLM", "GLSZM", "GLDM", "GLDZM", "NGTDM", "NGLDM")]
    return _by_nyxus(region, levels, texture) + _by_nyxus(
        region, region.voxels, ["*3D_ALL_INTENSITY*", "*3D_ALL_MORPHOLOGY*"]
    )


def _nyxus_alone(region: Region, _: Measurement) -> int:
    """Once, as it is meant to be: texture is of as many grey levels as the image has."""
    return _by_nyxus(region, region.voxels, ["*3D_ALL*"])


def _by_nyxus(region: Region, voxels: npt.NDArray[np.float64], families: list[str]) -> int:
    from nyxus import Nyxus3D

    with tempfile.TemporaryDirectory() as folder, _quiet():
        image, mask = Path(folder, "image.nii"), Path(folder, "mask.nii")
        _write(image, voxels)
        _write(mask, region.mask.astype(np.float64))
        made = Nyxus3D(families, coarse_gray_depth=BINS)
        return int(made.featurize_files([str(image)], [str(mask)], False).shape[1])


def _write(path: Path, voxels: npt.NDArray[np.float64]) -> None:
    import nibabel

    nibabel.save(nibabel.Nifti1Image(voxels.T.astype(np.int32), np.eye(4)), path)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """They say much, and warn of their own dependencies."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
