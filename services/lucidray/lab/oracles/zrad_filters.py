"""Response maps by z-rad (University of Zurich, MIT): ``pip install --no-deps z-rad``, with SimpleITK and OpenCV."""

from math import radians
from typing import Any

import numpy as np
import numpy.typing as npt

from lucidray.quantify.filters import FilterSpec
from lucidray.quantify.filters.boundary import SCIPY_MODES
from lucidray.quantify.filters.specs import Gabor, LaplacianOfGaussian, Laws, Mean, Simoncelli, Wavelet


def zrad_response(
    image: npt.NDArray[np.float64], spacing: tuple[float, float, float], spec: FilterSpec
) -> npt.NDArray[np.float64]:
    """The response map (z, y, x) that z-rad gives."""
    from zrad.image import Image

    x, y, z = image.shape[::-1]
    theirs = Image(array=image, origin=(0, 0, 0), spacing=spacing[::-1], direction=np.eye(3).ravel(), shape=(x, y, z))
    result: npt.NDArray[np.float64] = _filter(spec, spacing[-1]).apply(theirs).array
    return result


def _filter(spec: FilterSpec, spacing: float) -> Any:
    from zrad import filtering

    common = {"padding_type": SCIPY_MODES[spec.boundary], "dimensionality": f"{spec.dimensions}D"}
    match spec:
        case Mean():
            return filtering.Mean(support=spec.support, **common)
        case LaplacianOfGaussian(riesz=None):
            return filtering.LoG(sigma_mm=spec.sigma, cutoff=spec.truncation, **common)
        case LaplacianOfGaussian(riesz=riesz):
            return filtering.RieszLoG(
                sigma_mm=spec.sigma, cutoff=spec.truncation, riesz_order=riesz.order if riesz else None, **common
            )
        case Laws():
            return filtering.Laws(
                response_map=spec.kernels,
                distance=spec.energy or 0,
                energy_map=spec.energy is not None,
                rotation_invariance=spec.pooling is not None,
                pooling=spec.pooling,
                **common,
            )
        case Gabor():
            turned = spec.step is not None
            return filtering.Gabor(
                padding_type=common["padding_type"],
                res_mm=spacing,
                sigma_mm=spec.sigma,
                lambda_mm=spec.wavelength,
                gamma=spec.gamma,
                theta=radians(spec.step if spec.step is not None else spec.theta),
                rotation_invariance=turned,
                orthogonal_planes=spec.orthogonal,
                n_stds=11.0 if spec.boundary == "zero" else None,  # as its own tests have it
            )
        case Wavelet():
            wavelets = filtering.Wavelets3D if spec.volumetric else filtering.Wavelets2D
            return wavelets(
                wavelet_type=spec.family,
                padding_type=common["padding_type"],
                response_map=spec.bands,
                decomposition_level=spec.level,
                rotation_invariance=spec.pooling is not None,
            )
        case Simoncelli():
            order = spec.riesz.order if spec.riesz else None
            return filtering.Simoncelli(decomposition_level=spec.level, riesz_order=order, **common)
