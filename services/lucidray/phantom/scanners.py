"""Virtual scanners: how they blur, how noisy they are, how they write their images.

No such manufacturer exists. Each stands for habits that real ones have and that a receiver
must cope with: units, rescaling, padding, order of slices, transfer syntax, private elements.
"""

from dataclasses import dataclass
from typing import Literal

from lucidray.core.errors import Permanent
from lucidray.phantom.sampling import Sampling

Size = Literal["small", "demo"]
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE = "1.2.840.10008.1.2"


@dataclass(frozen=True)
class CtSystem:
    """The X-ray half."""

    kernel: str
    blur_fwhm: float
    """Width of the in-plane point spread function, mm."""
    noise_hu: float
    """Standard deviation of the noise in water, HU."""
    grain_fwhm: float
    """Correlation length of the noise in-plane, mm."""
    kvp: int
    tube_current: int
    signed: bool
    """Stored as signed HU; else unsigned with intercept -1024."""
    padding: bool
    """Outside the field of view: PixelPaddingValue instead of air."""
    sampling: dict[Size, Sampling]


@dataclass(frozen=True)
class PetSystem:
    """The emission half."""

    method: str
    blur_fwhm: float
    """Width of the point spread function in all directions, mm."""
    noise: float
    """Standard deviation of the noise at SUV 1; it grows with the square root of SUV."""
    units: Literal["BQML", "GML"]
    decay_correction: Literal["START", "ADMIN"]
    frame_seconds: int
    slope_per_slice: bool
    sampling: dict[Size, Sampling]


@dataclass(frozen=True)
class Scanner:
    """A virtual PET/CT: one device that writes two series."""

    key: str
    manufacturer: str
    model: str
    software: str
    station: str
    institution: str
    transfer_syntax: str
    feet_first_numbering: bool
    """InstanceNumber grows towards the feet."""
    private_creator: str
    ct: CtSystem
    pet: PetSystem


def _sizes(small: tuple[int, int, float, float], demo: tuple[int, int, float, float]) -> dict[Size, Sampling]:
    return {"small": Sampling(*small), "demo": Sampling(*demo)}


SCANNERS: dict[str, Scanner] = {
    scanner.key: scanner
    for scanner in (
        # Explicit VR, signed HU with padding, PET in Bq/ml with one slope a slice.
        Scanner(
            key="boreal",
            manufacturer="BOREAL VIRTUAL SYSTEMS",
            model="Boreal Pathfinder V600",
            software="bv37.14",
            station="PETCT01",
            institution="Northlight General Hospital",
            transfer_syntax=EXPLICIT_LITTLE,
            feet_first_numbering=False,
            private_creator="BOREAL_VIRTUAL_ACQU_01",
            ct=CtSystem(
                kernel="STANDARD",
                blur_fwhm=1.2,
                noise_hu=11.0,
                grain_fwhm=2.2,
                kvp=140,
                tube_current=80,
                signed=True,
                padding=True,
                sampling=_sizes((30, 96, 5.0, 4.25), (60, 256, 3.27, 1.953125)),
            ),
            pet=PetSystem(
                method="OSEM",
                blur_fwhm=6.0,
                noise=0.06,
                units="BQML",
                decay_correction="START",
                frame_seconds=180,
                slope_per_slice=True,
                sampling=_sizes((20, 48, 7.5, 8.5), (45, 128, 4.36, 3.90625)),
            ),
        ),
        # Implicit VR, slices numbered towards the feet, sharp kernel.
        Scanner(
            key="austral",
            manufacturer="AUSTRAL Virtual Healthcare",
            model="Austral Biomatrix 40",
            software="AVH VB20",
            station="AVHPET7",
            institution="Southern Cross University Clinic",
            transfer_syntax=IMPLICIT_LITTLE,
            feet_first_numbering=True,
            private_creator="AUSTRAL VIRTUAL PT",
            ct=CtSystem(
                kernel="A60f",
                blur_fwhm=0.7,
                noise_hu=24.0,
                grain_fwhm=1.0,
                kvp=120,
                tube_current=110,
                signed=False,
                padding=False,
                sampling=_sizes((32, 92, 4.5, 4.4), (64, 256, 3.0, 1.5234375)),
            ),
            pet=PetSystem(
                method="PSF+TOF 3i21s",
                blur_fwhm=4.5,
                noise=0.09,
                units="BQML",
                decay_correction="START",
                frame_seconds=120,
                slope_per_slice=True,
                sampling=_sizes((24, 50, 6.0, 8.1457), (60, 100, 3.0, 4.07283)),
            ),
        ),
        # PET already in SUV (g/ml), smooth images.
        Scanner(
            key="zephyr",
            manufacturer="Zephyr Virtual Imaging",
            model="Zephyr GeminiX TF",
            software="4.1.7.3",
            station="ZVI-TF-2",
            institution="Westwind Cancer Centre",
            transfer_syntax=EXPLICIT_LITTLE,
            feet_first_numbering=False,
            private_creator="Zephyr PET Private Group",
            ct=CtSystem(
                kernel="B",
                blur_fwhm=1.8,
                noise_hu=8.0,
                grain_fwhm=3.0,
                kvp=120,
                tube_current=95,
                signed=False,
                padding=False,
                sampling=_sizes((28, 90, 5.0, 4.5), (48, 240, 4.0, 2.0)),
            ),
            pet=PetSystem(
                method="BLOB-OS-TF",
                blur_fwhm=7.5,
                noise=0.045,
                units="GML",
                decay_correction="START",
                frame_seconds=90,
                slope_per_slice=False,
                sampling=_sizes((22, 50, 6.0, 8.0), (46, 120, 4.0, 4.0)),
            ),
        ),
        # Decay-corrected to the time of injection.
        Scanner(
            key="solstice",
            manufacturer="Solstice Virtual Medical",
            model="Solstice Cartesia Prime",
            software="V8.2 SP1",
            station="SVM_PET_A",
            institution="Midsummer Imaging Institute",
            transfer_syntax=EXPLICIT_LITTLE,
            feet_first_numbering=True,
            private_creator="SOLSTICE_VMED_PET",
            ct=CtSystem(
                kernel="FC18",
                blur_fwhm=1.0,
                noise_hu=15.0,
                grain_fwhm=1.6,
                kvp=120,
                tube_current=130,
                signed=True,
                padding=False,
                sampling=_sizes((36, 100, 4.0, 4.0), (72, 256, 2.5, 1.66)),
            ),
            pet=PetSystem(
                method="3D-OSEM-TOF",
                blur_fwhm=5.2,
                noise=0.07,
                units="BQML",
                decay_correction="ADMIN",
                frame_seconds=150,
                slope_per_slice=False,
                sampling=_sizes((24, 52, 6.0, 7.6), (60, 128, 3.0, 3.2)),
            ),
        ),
    )
}


def find(key: str) -> Scanner:
    """The scanner of this name.

    Raises
    ------
    Permanent
        There is none; names those that exist.
    """
    try:
        return SCANNERS[key]
    except KeyError:
        raise Permanent(f"virtual scanner '{key}'", "is not known", f"choose of {', '.join(SCANNERS)}") from None
