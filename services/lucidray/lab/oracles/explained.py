"""Where mirp and z-rad differ from us, and the passages of the IBSI manual (arXiv:1612.07003) that decide."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lucidray.lab.oracles.regions import Case
from lucidray.quantify.sample import Sample
from lucidray.quantify.values import Undefined

_MIRP_CONVOLVES = 300  # regions of more voxels


@dataclass(frozen=True)
class Passage:
    """Why a difference is the oracle's, and in which regions it can occur."""

    text: str
    applies: Callable[[Case], bool]


def _anywhere(_: Case) -> bool:
    return True


def _by_slice(case: Case) -> bool:
    """A flat slice has no matrix of its own in what is counted over the whole region."""
    return case.measurement.aggregations[0].startswith("2D")


def _in_bins_of_fixed_size(case: Case) -> bool:
    return case.measurement.volume_histogram.method == "fixed_bin_size"


def _has_several_modes(case: Case) -> bool:
    levels = Sample(case.region, case.measurement, case.measurement.discretisation).numbers
    if isinstance(levels, Undefined):
        return False
    counts = np.bincount(levels)
    return int((counts == counts.max()).sum()) > 1


_BOX = Passage(
    "3.1, ZH1A: the box has the smallest possible volume; mirp turns it in steps of angles and gets near", _anywhere
)
_BOX_AREA = Passage("3.1, IQYR: the mesh's area over that of the box; mirp gives the volume density again", _anywhere)
_ELLIPSOID = Passage(
    "3.1, SWZ1: the smallest ellipsoid that encloses the mesh; mirp ends the ascent at a step of 0.001, with an "
    "ellipsoid that need not enclose it",
    _anywhere,
)
_PEAK = Passage(
    "3.2: the mean of the voxels with centres in the sphere; from 301 voxels on mirp adds some beyond the image",
    lambda case: case.region.size > _MIRP_CONVOLVES,
)
_RADIUS = Passage("3.2: the radius is (3 / 4 pi)^(1/3) cm, 6.2035 mm; z-rad's is 6.2 mm", _anywhere)
_RANGE = Passage(
    "3.5: G ends half a bin below the greatest intensity prior to discretisation; mirp's ends half a bin above the "
    "last bin's centre",
    _in_bins_of_fixed_size,
)
_FRACTION = Passage(
    "3.5: volumes at fractions of at least 10 % and 90 % of G; z-rad takes fractions above that, and with bins of a "
    "fixed size ends G at the last bin's centre, not half a bin below the greatest intensity",
    _anywhere,
)
_LEVEL = Passage(
    "3.5: the volume at or above a grey level; z-rad rounds levels and bin centres apart, so that voxels may count as "
    "below their own level",
    _in_bins_of_fixed_size,
)
_FLAT_SLICES = Passage(
    "3.6: where all neighbours in a slice have one grey level the quotient is 0/0, no part of the average over slices; "
    "mirp counts 1",
    _by_slice,
)
_NO_PAIRS = Passage(
    "3.6: a sum over no pair i < j is 0 and part of the average over slices; mirp leaves it out", _by_slice
)
_MODE = Passage(
    "3.4: of several most frequent levels the one closest to the mean; z-rad takes the lowest", _has_several_modes
)
_SPHEROID = Passage(
    "3.1, RDD2: the area is the series, of any axes; of two exactly equal axes mirp takes another formula", _anywhere
)
_VOLUME_FRACTIONS = ("ivh_v10", "ivh_v90", "ivh_diff_v10_v90")

# By oracle and feature: it computes something else than the manual's text, wherever that can be told apart. These are
# held against the text itself (`definition`).
HELD_TO_DEFINITION: Mapping[tuple[str, str], Passage] = {
    ("mirp", "morph_vol_dens_ombb"): _BOX,
    ("mirp", "morph_area_dens_ombb"): _BOX_AREA,
    ("mirp", "morph_vol_dens_mvee"): _ELLIPSOID,
    ("mirp", "morph_area_dens_mvee"): _ELLIPSOID,
    ("mirp", "loc_peak_loc"): _PEAK,
    ("mirp", "loc_peak_glob"): _PEAK,
    ("z-rad", "loc_peak_loc"): _RADIUS,
    ("z-rad", "loc_peak_glob"): _RADIUS,
    **{("mirp", name): _RANGE for name in _VOLUME_FRACTIONS},
    **{("z-rad", name): _FRACTION for name in _VOLUME_FRACTIONS},
    **{("z-rad", name): _LEVEL for name in ("ivh_i10", "ivh_i90", "ivh_diff_i10_i90")},
}
# What differs in some regions, for which the text is plain.
_EXPLAINED: Mapping[tuple[str, str], Passage] = {
    ("mirp", "ivh_auc"): _RANGE,
    ("mirp", "cm_corr"): _FLAT_SLICES,
    ("mirp", "cm_info_corr1"): _FLAT_SLICES,
    ("mirp", "cm_inv_var"): _NO_PAIRS,
    ("mirp", "morph_area_dens_aee"): _SPHEROID,
    ("z-rad", "ih_mode"): _MODE,
}


def explanation(oracle: str, feature: str, case: Case) -> str:
    """The passage that decides; empty if there is none for the region."""
    passage = {**HELD_TO_DEFINITION, **_EXPLAINED}.get((oracle, feature))
    return passage.text if passage and passage.applies(case) else ""
