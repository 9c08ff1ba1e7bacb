"""Grey level co-occurrence matrix (IBSI manual, section 3.6; LFYI)."""

import numpy as np
import numpy.typing as npt

from lucidray.quantify.grey import GreyLevels
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.processing import CooccurrenceParameters
from lucidray.quantify.texture import kernels
from lucidray.quantify.texture.aggregate import Directional, Matrix, Span
from lucidray.quantify.texture.directions import cooccurrence_directions, weights
from lucidray.quantify.values import Undefined, Values, ratio

NAMES = tuple(name for name in definitions() if name.startswith("cm_"))
_ALONE = Undefined("no two voxels of the region are neighbours")
_FLAT = "all neighbours have one grey level"

Numbers = npt.NDArray[np.float64]


def directional(grey: GreyLevels, parameters: CooccurrenceParameters, *, within_slice: bool) -> Directional:
    """The matrices of a region."""
    vectors = cooccurrence_directions(parameters, within_slice)
    offsets, side = grey.offsets(vectors), grey.levels.size + 1

    def count(span: Span, chosen: range) -> npt.NDArray[np.int64]:
        counts = np.zeros((len(chosen), side, side), np.int64)
        kernels.cooccurrences(grey.flat, span[0], span[1], offsets[chosen.start : chosen.stop], counts)
        return counts[:, 1:, 1:]

    def of(matrix: Matrix, _: float) -> Values:
        return features(matrix, grey.levels, grey.histogram.bins)

    return Directional(count, of, len(vectors), weights(vectors, parameters.weighting), side**2)


def features(counts: Matrix, levels: npt.NDArray[np.int64], bins: int) -> Values:
    """Features of one matrix.

    Parameters
    ----------
    counts
        Pairs along one sense of the direction (K, K); the other sense is added here.
    levels
        Grey level of each row and column, (K).
    bins
        Number of grey levels, by which differences are normalised. The manual's N_g also counts levels that no voxel
        has: the consensus values of the digital phantom, which lacks levels 2 and 5, are those of six levels.
    """
    matrix = counts + counts.T
    rows, columns = np.nonzero(matrix)
    if not rows.size:
        return dict.fromkeys(NAMES, _ALONE)
    joint = matrix[rows, columns] / matrix.sum()
    i, j = levels[rows], levels[columns]
    level, marginal = levels.astype(np.float64), matrix.sum(axis=1) / matrix.sum()
    mean = float((level * marginal).sum())
    variance = float(((level - mean) ** 2 * marginal).sum())
    difference: Numbers = np.bincount(np.abs(i - j), joint).astype(np.float64)
    total: Numbers = np.bincount(i + j, joint).astype(np.float64)
    values: Values = {
        "joint_max": float(joint.max()),
        "joint_avg": mean,
        "joint_var": variance,
        "energy": float((joint**2).sum()),
        "corr": ratio(float(((i - mean) * (j - mean) * joint).sum()), variance, _FLAT),
        "auto_corr": float((i * j * joint).sum()),
    }
    values |= _of_differences(difference, bins) | _of_sums(total, mean) | _information(joint, marginal)
    return {f"cm_{name}": value for name, value in values.items()}


def _of_differences(probabilities: Numbers, bins: int) -> Values:
    """From the distribution of |i - j|."""
    k = np.arange(probabilities.size, dtype=np.float64)
    mean = float((k * probabilities).sum())
    return {
        "diff_avg": mean,
        "diff_var": float(((k - mean) ** 2 * probabilities).sum()),
        "diff_entr": entropy(probabilities),
        "contrast": float((k**2 * probabilities).sum()),
        "dissimilarity": mean,
        "inv_diff": float((probabilities / (1 + k)).sum()),
        "inv_diff_norm": float((probabilities / (1 + k / bins)).sum()),
        "inv_diff_mom": float((probabilities / (1 + k**2)).sum()),
        "inv_diff_mom_norm": float((probabilities / (1 + (k / bins) ** 2)).sum()),
        "inv_var": float((probabilities[1:] / k[1:] ** 2).sum()),
    }


def _of_sums(probabilities: Numbers, mean: float) -> Values:
    """From the distribution of i + j, whose mean is twice that of the marginal."""
    deviation = np.arange(probabilities.size, dtype=np.float64) - 2 * mean
    tendency = float((deviation**2 * probabilities).sum())
    return {
        "sum_avg": 2 * mean,
        "sum_var": tendency,
        "sum_entr": entropy(probabilities),
        "clust_tend": tendency,
        "clust_shade": float((deviation**3 * probabilities).sum()),
        "clust_prom": float((deviation**4 * probabilities).sum()),
    }


def _information(joint: Numbers, marginal: Numbers) -> Values:
    """Of a symmetric matrix HXY1 and HXY2 are both twice the entropy of the marginal."""
    both, one = entropy(joint), entropy(marginal)
    return {
        "joint_entr": both,
        "info_corr1": ratio(both - 2 * one, one, _FLAT),
        "info_corr2": float(np.sqrt(1 - np.exp(-2 * max(2 * one - both, 0.0)))),
    }


def entropy(probabilities: Numbers) -> float:
    """In bits."""
    present = probabilities[probabilities > 0]
    return float(-(present * np.log2(present)).sum()) + 0.0  # no negative zero
