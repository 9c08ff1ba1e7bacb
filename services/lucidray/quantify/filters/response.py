"""From a filter's parameters to its response map."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lucidray.core.errors import Permanent
from lucidray.quantify.filters import gabor, laplacian, laws, simoncelli, wavelet
from lucidray.quantify.filters.boundary import SCIPY_MODES, Image
from lucidray.quantify.filters.specs import FilterSpec, Gabor, LaplacianOfGaussian, Laws, Mean, Simoncelli, Wavelet

Spacing = tuple[float, float, float]
_FARTHEST = 1000  # voxels: transforms of kernels that reach further take gigabytes for each slice
_EQUAL = 1e-3  # relative difference of spacings that are called equal: rounding of DICOM's decimal strings


def response(image: npt.NDArray[np.floating], spacing: Spacing, spec: FilterSpec) -> Image:
    """The response map of an image.

    Parameters
    ----------
    image
        Voxels (z, y, x), after interpolation. All of them matter, those outside a region too: filter the image, or
        as much of it around the region as `support` says, and then look at the region's voxels in the map.
    spacing
        Of the voxels along (z, y, x), mm.
    spec
        The filter.

    Returns
    -------
    array (z, y, x) of the image's shape. Voxels that are no finite numbers make those around them,
    as far as the kernel reaches, no numbers either.

    Raises
    ------
    Permanent
        The voxels have no equal spacing along the axes of the filter (IBSI-2 manual, section 2.3), or are so small
        that its kernel reaches over more than a thousand of them.
    """
    step = _isotropic(spacing, spec)
    voxels = np.asarray(image, np.float64)
    finite = np.isfinite(voxels)
    if finite.all():
        return _response(voxels, step, spec)
    reach = _reach(spacing, spec)
    result = _response(np.where(finite, voxels, 0.0), step, spec)
    result[_near(~finite, reach, spec)] = np.nan
    return result


def _response(voxels: Image, step: float, spec: FilterSpec) -> Image:
    match spec:
        case Mean():
            return laws.box(voxels, spec.support, spec.dimensions, spec.boundary)
        case LaplacianOfGaussian():
            return laplacian.response(voxels, step, spec)
        case Laws():
            return laws.response(voxels, spec)
        case Gabor():
            return gabor.response(voxels, step, spec)
        case Wavelet():
            return wavelet.response(voxels, spec)
        case Simoncelli():
            return simoncelli.response(voxels, step, spec)


def support(spacing: Spacing, spec: FilterSpec) -> int | None:
    """How many voxels around a voxel its response depends on; None: on the whole image, as where it repeats itself."""
    reach = _reach(spacing, spec)
    return None if spec.boundary == "periodic" else reach


def _reach(spacing: Spacing, spec: FilterSpec) -> int | None:
    """How many voxels the kernel reaches to; None: it has no end."""
    step = _isotropic(spacing, spec)
    match spec:
        case Mean():
            return spec.support // 2
        case LaplacianOfGaussian():
            return None if spec.riesz else _bounded(laplacian.reach(spec, step), step, spec)
        case Laws():
            return laws.reach(spec)
        case Gabor():
            return _bounded(gabor.reach(spec, step), step, spec)
        case Wavelet():
            return None if spec.decimated else wavelet.reach(spec)
        case Simoncelli():
            return None


def _bounded(reach: int, step: float, spec: FilterSpec) -> int:
    if reach > _FARTHEST:
        cause = f"its kernel reaches {reach} voxels of {step:g} mm, and {_FARTHEST} are the most"
        raise Permanent(f"filter '{spec.label}'", cause, "give it a smaller sigma, or the preset a wider spacing")
    return reach


def _near(faults: npt.NDArray[np.bool_], reach: int | None, spec: FilterSpec) -> npt.NDArray[np.bool_]:
    if reach is None:
        return np.ones_like(faults)
    sizes = [2 * reach + 1 if _volumetric(spec) else 1, 2 * reach + 1, 2 * reach + 1]
    near: npt.NDArray[np.bool_] = ndimage.maximum_filter(faults, sizes, mode=SCIPY_MODES[spec.boundary])
    return near


def _volumetric(spec: FilterSpec) -> bool:
    return spec.volumetric or (isinstance(spec, Gabor) and spec.orthogonal)


def _isotropic(spacing: Spacing, spec: FilterSpec) -> float:
    axes = spacing if _volumetric(spec) else spacing[1:]
    if max(axes) - min(axes) > _EQUAL * max(axes):
        shown = " x ".join(f"{each:g}" for each in axes)
        cause = f"it needs voxels of equal spacing, and these are {shown} mm apart"
        raise Permanent(
            f"filter '{spec.label}'", cause, "give the preset an isotropic spacing, or filter slice by slice"
        )
    return spacing[-1]
