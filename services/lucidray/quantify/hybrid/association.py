"""How two images of one region go together, voxel by voxel.

Entropies are of the joint histogram, in bits: Shannon 1948; mutual information of images: Maes et al. 1997,
IEEE TMI 16:187; its normalised form: Studholme et al. 1999, Pattern Recognition 32:71. The rank correlation is
Spearman's, with mean ranks for ties.
"""

import numpy as np
import numpy.typing as npt
from scipy import stats

from lucidray.quantify.values import Undefined, Value, Values, ratio

Floats = npt.NDArray[np.float64]

NAMES = (
    "pearson_correlation",
    "spearman_rank_correlation",
    "mutual_information",
    "normalised_mutual_information",
    "joint_histogram_entropy",
    "conditional_entropy_of_first",
    "conditional_entropy_of_second",
)
_FEW = Undefined("the region has fewer than two voxels that both images cover")


def association(first: Floats, second: Floats, bins: int) -> Values:
    """The measures of `NAMES`.

    Parameters
    ----------
    first, second
        Scaled intensities (voxels,) in 0 to 1 of the same voxels.
    bins
        Of the joint histogram, along each image.
    """
    if len(first) < 2:  # noqa: PLR2004
        return dict.fromkeys(NAMES, _FEW)
    joint = _joint(first, second, bins)
    both, one, other = _entropy(joint), _entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0))
    return {
        "pearson_correlation": _pearson(first, second),
        "spearman_rank_correlation": _pearson(stats.rankdata(first), stats.rankdata(second)),
        "mutual_information": max(one + other - both, 0.0),  # it cannot be negative but by rounding
        "normalised_mutual_information": ratio(one + other, both, "all voxels share one bin of the joint histogram"),
        "joint_histogram_entropy": both,
        "conditional_entropy_of_first": max(both - other, 0.0),
        "conditional_entropy_of_second": max(both - one, 0.0),
    }


def _pearson(first: Floats, second: Floats) -> Value:
    """Pearson's correlation coefficient."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return Undefined("an image is constant in the region")
    one, other = (each - each.mean() for each in (first, second))
    one, other = one / np.abs(one).max(), other / np.abs(other).max()  # before squares underflow
    # Sums, not dot products, whose order of summation depends on the number of threads.
    return float(np.clip(np.sum(one * other) / np.sqrt(np.sum(one**2) * np.sum(other**2)), -1, 1))


def _joint(first: Floats, second: Floats, bins: int) -> Floats:
    """Shares of the joint histogram (bins, bins)."""
    row, column = (np.clip((each * bins).astype(np.intp), 0, bins - 1) for each in (first, second))
    counts = np.bincount(row * bins + column, minlength=bins * bins)
    return counts.reshape(bins, bins) / len(first)


def _entropy(shares: Floats) -> float:
    """In bits."""
    present = shares[shares > 0]
    return float(-np.sum(present * np.log2(present))) + 0.0  # no negative zero
