"""What the field's radiomics packages say of the digital phantom, each by the settings that make it an IBSI tool.

`python -m lucidray.lab.ibsi1.peers DATA [PACKAGE ...]` measures those that are installed, or those named, and writes
their columns of values.csv anew: not all of them install on one Python (pictologics needs 3.12).
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from lucidray.lab.ibsi1.peers.by_itk import flash_values, pyradiomics_values
from lucidray.lab.ibsi1.peers.by_mirp import mirp_values
from lucidray.lab.ibsi1.peers.by_nyxus import nyxus_values
from lucidray.lab.ibsi1.peers.by_pictologics import pictologics_values
from lucidray.lab.ibsi1.peers.by_zrad import zrad_values

# By distribution: values by tag of the phantom (its nifti folder).
PEERS: Mapping[str, Callable[[Path], dict[str, float]]] = {
    "mirp": mirp_values,
    "z-rad": zrad_values,
    "pyradiomics": pyradiomics_values,
    "flash-radiomics": flash_values,
    "nyxus": nyxus_values,
    "pictologics": pictologics_values,
}
