"""Response maps of image filters, as the second chapter of the IBSI defines them."""

from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import ndimage

from lucidray.quantify.filters.specs import Mean

# A union of all filters, told apart by `kind`.
FilterSpec = Annotated[Mean, Field()]


def response(
    image: npt.NDArray[np.float64], spacing: tuple[float, float, float], spec: FilterSpec
) -> npt.NDArray[np.float64]:
    """The response map of an image.

    Parameters
    ----------
    image
        Voxels (z, y, x), after interpolation.
    spacing
        Of the voxels along (z, y, x), mm.

    Returns
    -------
    array (z, y, x) of the image's shape.
    """
    result: npt.NDArray[np.float64] = ndimage.uniform_filter(image, spec.support, mode=spec.scipy_mode)
    return result
