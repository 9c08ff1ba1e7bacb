"""Variants of the features that grow or shrink with the number of voxels, with that number divided out.

Shafiq-ul-Hassan et al. 2017, Med Phys 44:1050, and 2018, Sci Rep 8:10545; Fave et al. 2016, Transl Cancer Res 5:349
(volume dependence). They are not features of the IBSI and carry none of its codes. Which feature takes which power
follows from its definition: the same texture over twice the voxels doubles what is a sum over voxels, runs, zones or
neighbourhoods. Zone distance non-uniformity is not among them: distances to the border grow with the region.
"""

from collections.abc import Iterable, Iterator, Mapping

from lucidray.contracts.results import Feature

SUFFIX = "_voxel_number_normalised"

# Power of the number of voxels by which a feature is multiplied, by IBSI code.
POWERS: Mapping[str, int] = {
    "N8CA": -1,  # intensity energy
    "R5YN": -1,  # grey level non-uniformity of runs
    "W92Y": -1,  # run length non-uniformity
    "JNSA": -1,  # grey level non-uniformity of zones
    "4JP3": -1,  # zone size non-uniformity
    "VFT7": -1,  # grey level non-uniformity of distance zones
    "FP8K": -1,  # grey level non-uniformity of dependences
    "Z87G": -1,  # dependence count non-uniformity
    "QCDE": 1,  # coarseness
    "NQ30": -1,  # busyness
    "1X9X": 1,  # strength
}


def normalised(features: Iterable[Feature], voxels: int) -> Iterator[Feature]:
    """The variants of those features that have one; undefined where the feature is, for its reason.

    Parameters
    ----------
    voxels
        Of the intensity mask.
    """
    for feature in features:
        power = POWERS.get(feature.ibsi_code)
        if power is not None:
            value = None if feature.value is None else feature.value * float(voxels) ** power
            yield feature.model_copy(update={"name": feature.name + SUFFIX, "ibsi_code": "", "value": value})
