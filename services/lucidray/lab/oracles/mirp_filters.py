"""Response maps by mirp (Zwanenburg et al., JOSS 2024)."""

import warnings
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from lucidray.quantify.filters import FilterSpec
from lucidray.quantify.filters.boundary import SCIPY_MODES
from lucidray.quantify.filters.specs import Gabor, LaplacianOfGaussian, Laws, Mean, Simoncelli, Wavelet

_CLASSES = {
    "mean": ("mean", "MeanFilter"),
    "laplacian_of_gaussian": ("laplacian_of_gaussian", "LaplacianOfGaussianFilter"),
    "laws": ("laws", "LawsFilter"),
    "gabor": ("gabor", "GaborFilter"),
    "separable_wavelet": ("separable_wavelet", "SeparableWaveletFilter"),
    "nonseparable_wavelet": ("nonseparable_wavelet", "NonseparableWaveletFilter"),
}


def mirp_options(spec: FilterSpec) -> dict[str, Any]:
    """What to tell mirp, in the words of its settings, to get the same filter."""
    options = _options(spec) | {"boundary_condition": SCIPY_MODES[spec.boundary]}
    riesz = getattr(spec, "riesz", None)
    if riesz is not None:
        options["filter_kernels"] = f"riesz_{options['filter_kernels']}"
        options |= {"riesz_filter_order": list(riesz.order[::-1]), "riesz_filter_tensor_sigma": riesz.steering or 1.0}
    return options


def _options(spec: FilterSpec) -> dict[str, Any]:
    match spec:
        case Mean():
            return {"filter_kernels": "mean", "mean_filter_kernel_size": spec.support}
        case LaplacianOfGaussian():
            return {
                "filter_kernels": "laplacian_of_gaussian",
                "laplacian_of_gaussian_sigma": spec.sigma,
                "laplacian_of_gaussian_kernel_truncate": spec.truncation,
            }
        case Laws():
            return _pooled("laws", spec.pooling) | {
                "filter_kernels": "laws",
                "laws_kernel": spec.kernels,
                "laws_compute_energy": spec.energy is not None,
                "laws_delta": spec.energy or 1,
            }
        case Gabor():
            return {
                "filter_kernels": "gabor",
                "gabor_sigma": spec.sigma,
                "gabor_lambda": spec.wavelength,
                "gabor_gamma": spec.gamma,
                "gabor_theta": spec.theta,
                **({} if spec.step is None else {"gabor_theta_step": spec.step}),
                "gabor_response": spec.response,
                "gabor_rotation_invariance": spec.orthogonal,
                "gabor_pooling_method": spec.pooling,
            }
        case Wavelet():
            return _pooled("separable_wavelet", spec.pooling) | {
                "filter_kernels": "separable_wavelet",
                "separable_wavelet_families": spec.family,
                "separable_wavelet_set": spec.bands,
                "separable_wavelet_decomposition_level": spec.level,
            }
        case Simoncelli():
            return {
                "filter_kernels": "nonseparable_wavelet",
                "nonseparable_wavelet_families": "simoncelli",
                "nonseparable_wavelet_decomposition_level": spec.level,
            }


def _pooled(prefix: str, pooling: str | None) -> dict[str, Any]:
    return {f"{prefix}_rotation_invariance": pooling is not None, f"{prefix}_pooling_method": pooling or "max"}


def mirp_response(
    image: npt.NDArray[np.float64], spacing: tuple[float, float, float], spec: FilterSpec
) -> npt.NDArray[np.float64]:
    """The response map (z, y, x) that mirp gives."""
    from mirp._images.generic_image import GenericImage
    from mirp.settings.generic import SettingsClass
    from mirp.settings.transformation_parameters import ImageTransformationSettingsClass

    flat = not spec.volumetric and not (isinstance(spec, Gabor) and spec.orthogonal)
    options = mirp_options(spec)
    kernel = options["filter_kernels"]
    module, name = _CLASSES[kernel.removeprefix("riesz_")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = ImageTransformationSettingsClass(by_slice=flat, ibsi_compliant=False, **options)
        settings = SettingsClass(img_transform_settings=own)
        theirs = GenericImage(
            image_data=image,
            image_origin=(0.0, 0.0, 0.0),
            image_orientation=np.eye(3),
            image_spacing=spacing,
            image_dimensions=image.shape,
        )
        theirs.update_separate_slices(flat)
        filters = getattr(import_module(f"mirp._imagefilters.{module}"), name)(theirs, settings, kernel)
        (found,) = (each.transform(theirs).get_voxel_grid() for each in filters.generate_object())
    result: npt.NDArray[np.float64] = found
    return result
