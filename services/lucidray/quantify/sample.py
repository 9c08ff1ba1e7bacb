"""What the families of one measurement share."""

from dataclasses import dataclass

from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Region


@dataclass
class Sample:
    """A region under a measurement; what several families need is made once and kept."""

    region: Region
    measurement: Measurement
    discretisation: Discretisation | None
    filter: str = ""  # name of the response map; empty: the image itself
