"""Morphology (IBSI manual, section 3.1; HCUG)."""

from lucidray.quantify import mirp_adapter
from lucidray.quantify.region import Region
from lucidray.quantify.values import Values


def morphology(region: Region, wanted: frozenset[str]) -> Values:
    """The wanted features, by abbreviation (`ibsi.csv`).

    Parameters
    ----------
    region
        Voxels, morphological and intensity mask (z, y, x), spacing (z, y, x) in mm.
    """
    return mirp_adapter.unaggregated(region, "morphology", wanted)
