"""Response maps beside those of mirp, which matches the IBSI's references too, on images of noise."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.quantify.filters import FilterSpec, response
from lucidray.quantify.filters.boundary import SCIPY_MODES
from lucidray.quantify.filters.specs import Gabor, LaplacianOfGaussian, Laws, Mean, Simoncelli, Wavelet

Array = npt.NDArray[np.float64]
ISOTROPIC = (1.5, 1.5, 1.5)

CASES: list[tuple[FilterSpec, str, dict[str, Any]]] = [
    (Mean(support=5), "mean", {"mean_filter_kernel_size": 5}),
    (Mean(support=3, volumetric=False, boundary="nearest"), "mean", {"mean_filter_kernel_size": 3}),
    *(
        (
            LaplacianOfGaussian(sigma=2, volumetric=volumetric, boundary=boundary),
            "laplacian_of_gaussian",
            {"laplacian_of_gaussian_sigma": 2.0, "laplacian_of_gaussian_kernel_truncate": 4.0},
        )
        for volumetric, boundary in ((True, "mirror"), (False, "zero"), (True, "periodic"))
    ),
    *(
        (
            Laws(kernels=kernels, volumetric=len(kernels) == 6, pooling=pooling, energy=energy),
            "laws",
            {
                "laws_kernel": kernels,
                "laws_rotation_invariance": pooling is not None,
                "laws_pooling_method": pooling or "max",
                "laws_calculate_energy": energy is not None,
                "laws_compute_energy": energy is not None,
                "laws_delta": energy or 7,
            },
        )
        for kernels, pooling, energy in (
            ("L5E5S5", None, None),
            ("E3W5R5", "max", None),
            ("S3L3E3", "mean", None),
            ("L5E5E5", "max", 3),
            ("W5R5", "max", 2),
            ("L5S5", "mean", None),
            ("E5E5", None, 4),
        )
    ),
    *(
        (
            Wavelet(
                family=family,
                bands=bands,
                level=level,
                volumetric=len(bands) == 3,
                pooling=pooling,
                boundary="periodic",
            ),
            "separable_wavelet",
            {
                "separable_wavelet_families": family,
                "separable_wavelet_set": bands,
                "separable_wavelet_decomposition_level": level,
                "separable_wavelet_rotation_invariance": pooling is not None,
                "separable_wavelet_pooling_method": pooling or "max",
            },
        )
        for family, bands, level, pooling in (
            ("db3", "LLH", 1, "mean"),
            ("db3", "HHH", 2, "mean"),
            ("coif1", "LHL", 2, None),
            ("haar", "HLH", 3, "max"),
            ("db2", "LH", 1, "mean"),
            ("coif2", "HH", 2, "max"),
            ("db4", "HL", 1, None),
        )
    ),
    *(
        (
            Simoncelli(level=level, volumetric=volumetric),
            "nonseparable_wavelet",
            {"nonseparable_wavelet_families": "simoncelli", "nonseparable_wavelet_decomposition_level": level},
        )
        for level, volumetric in ((1, True), (2, True), (1, False))
    ),
    *(
        (
            Gabor(
                sigma=1.5, wavelength=3, gamma=gamma, theta=theta, step=step, orthogonal=step is not None, response=part
            ),
            "gabor",
            {
                "gabor_sigma": 1.5,
                "gabor_lambda": 3.0,
                "gabor_gamma": gamma,
                "gabor_theta": theta,
                **({"gabor_theta_step": step} if step else {}),
                "gabor_response": part,
                "gabor_rotation_invariance": step is not None,
                "gabor_pooling_method": "mean",
            },
        )
        for gamma, theta, step, part in (
            (1.5, 30.0, None, "modulus"),
            (1.0, 0.0, 45.0, "modulus"),
            (2.0, 100.0, None, "real"),
            (1.2, 70.0, None, "imaginary"),
        )
    ),
]


def by_mirp(image: Array, spec: FilterSpec, kernel: str, options: dict[str, Any]) -> Array:
    pytest.importorskip("mirp", reason="needs mirp as the oracle")
    from mirp._imagefilters.gabor import GaborFilter
    from mirp._imagefilters.laplacian_of_gaussian import LaplacianOfGaussianFilter
    from mirp._imagefilters.laws import LawsFilter
    from mirp._imagefilters.mean import MeanFilter
    from mirp._imagefilters.nonseparable_wavelet import NonseparableWaveletFilter
    from mirp._imagefilters.separable_wavelet import SeparableWaveletFilter
    from mirp._images.generic_image import GenericImage
    from mirp.settings.generic import SettingsClass
    from mirp.settings.transformation_parameters import ImageTransformationSettingsClass

    kinds = {
        "mean": MeanFilter,
        "laplacian_of_gaussian": LaplacianOfGaussianFilter,
        "laws": LawsFilter,
        "gabor": GaborFilter,
        "separable_wavelet": SeparableWaveletFilter,
        "nonseparable_wavelet": NonseparableWaveletFilter,
    }
    by_slice = not spec.volumetric and not (isinstance(spec, Gabor) and spec.orthogonal)
    settings = SettingsClass(
        img_transform_settings=ImageTransformationSettingsClass(
            by_slice=by_slice, filter_kernels=kernel, boundary_condition=SCIPY_MODES[spec.boundary], **options
        )
    )
    theirs = GenericImage(
        image_data=image,
        image_origin=(0.0, 0.0, 0.0),
        image_orientation=np.eye(3),
        image_spacing=ISOTROPIC,
        image_dimensions=image.shape,
    )
    theirs.update_separate_slices(by_slice)
    found = [
        each.transform(theirs).get_voxel_grid() for each in kinds[kernel](theirs, settings, kernel).generate_object()
    ]
    assert len(found) == 1
    result: Array = found[0]
    return result


@pytest.mark.parametrize(("spec", "kernel", "options"), CASES, ids=lambda each: getattr(each, "label", ""))
def test_map_equals_mirps(noise: Array, spec: FilterSpec, kernel: str, options: dict[str, Any]) -> None:
    if isinstance(spec, Simoncelli):  # mirp swaps rows and slices of its frequency grid, which only a cube hides
        noise = np.random.default_rng(3).normal(100, 20, (20, 20, 20))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mirp's own
        wanted = by_mirp(noise, spec, kernel, options)
    np.testing.assert_allclose(response(noise, ISOTROPIC, spec), wanted, rtol=1e-6, atol=1e-8 * np.ptp(noise))
