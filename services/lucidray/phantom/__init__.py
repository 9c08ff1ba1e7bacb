"""Virtual patients in virtual scanners: real DICOM studies whose truth is known."""

from lucidray.phantom.lesion import Texture
from lucidray.phantom.scanners import SCANNERS
from lucidray.phantom.study import PhantomStudy, Truth, make_study, studies

__all__ = ["SCANNERS", "PhantomStudy", "Texture", "Truth", "make_study", "studies"]
