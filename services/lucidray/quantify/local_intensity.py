"""Local intensity (IBSI manual, section 3.2; 9ST6)."""

from lucidray.quantify import mirp_adapter
from lucidray.quantify.region import Region
from lucidray.quantify.values import Values


def local_intensity(region: Region, wanted: frozenset[str]) -> Values:
    """The wanted features, by abbreviation (`ibsi.csv`).

    Parameters
    ----------
    region
        Voxels, with those around the region, and masks (z, y, x), spacing (z, y, x) in mm.
    """
    return mirp_adapter.unaggregated(region, "local_intensity", wanted)
