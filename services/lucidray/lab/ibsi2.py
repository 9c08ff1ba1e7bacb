"""Response maps of digital phantoms beside the references of the IBSI's second chapter.

`python -m lucidray.lab.ibsi2 DATA` writes docs/conformance/ibsi-2.md; DATA holds the IBSI's `ibsi_2_digital_phantom`
and `ibsi_2_reference`; mirp and z-rad must be installed. The configurations are those of the IBSI-2 manual
(arXiv:2006.05470).
"""

import gzip
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lucidray.lab.oracles.mirp_filters import mirp_response
from lucidray.lab.oracles.zrad_filters import zrad_response
from lucidray.quantify.filters import FilterSpec, response
from lucidray.quantify.filters.specs import Gabor, LaplacianOfGaussian, Laws, Mean, Riesz, Simoncelli, Wavelet

DOCUMENT = Path("docs/conformance/ibsi-2.md")
TOLERANCE = 0.01  # of the range of intensities in the reference map: the IBSI's own
SPACING = (2.0, 2.0, 2.0)  # mm, of all phantoms
_HEADER_BYTES = 352
_TYPES = {2: "u1", 16: "<f4"}


CONFIGURATIONS: Mapping[str, tuple[str, FilterSpec]] = {
    "1.a.1": ("checkerboard", Mean(support=15, boundary="zero")),
    "1.a.2": ("checkerboard", Mean(support=15, boundary="nearest")),
    "1.a.3": ("checkerboard", Mean(support=15, boundary="periodic")),
    "1.a.4": ("checkerboard", Mean(support=15)),
    "1.b.1": ("impulse", Mean(support=15, boundary="zero", volumetric=False)),
    "2.a": ("impulse", LaplacianOfGaussian(sigma=3, boundary="zero")),
    "2.b": ("checkerboard", LaplacianOfGaussian(sigma=5)),
    "2.c": ("checkerboard", LaplacianOfGaussian(sigma=5, volumetric=False)),
    "3.a.1": ("impulse", Laws(kernels="E5L5S5", boundary="zero")),
    "3.a.2": ("impulse", Laws(kernels="E5L5S5", boundary="zero", pooling="max")),
    "3.a.3": ("impulse", Laws(kernels="E5L5S5", boundary="zero", pooling="max", energy=7)),
    "3.b.1": ("checkerboard", Laws(kernels="E3W5R5")),
    "3.b.2": ("checkerboard", Laws(kernels="E3W5R5", pooling="max")),
    "3.b.3": ("checkerboard", Laws(kernels="E3W5R5", pooling="max", energy=7)),
    "3.c.1": ("checkerboard", Laws(kernels="L5S5", volumetric=False)),
    "3.c.2": ("checkerboard", Laws(kernels="L5S5", volumetric=False, pooling="max")),
    "3.c.3": ("checkerboard", Laws(kernels="L5S5", volumetric=False, pooling="max", energy=7)),
    "4.a.1": ("impulse", Gabor(sigma=10, wavelength=4, gamma=0.5, theta=60, boundary="zero")),
    "4.a.2": ("impulse", Gabor(sigma=10, wavelength=4, gamma=0.5, step=45, orthogonal=True, boundary="zero")),
    "4.b.1": ("sphere", Gabor(sigma=20, wavelength=8, gamma=2.5, theta=225)),
    "4.b.2": ("sphere", Gabor(sigma=20, wavelength=8, gamma=2.5, step=22.5, orthogonal=True)),
    "5.a.1": ("impulse", Wavelet(family="db2", bands="LHL", boundary="zero")),
    "5.a.2": ("impulse", Wavelet(family="db2", bands="LHL", boundary="zero", pooling="mean")),
    "6.a.1": ("sphere", Wavelet(family="coif1", bands="HHL", boundary="periodic")),
    "6.a.2": ("sphere", Wavelet(family="coif1", bands="HHL", boundary="periodic", pooling="mean")),
    "7.a.1": ("checkerboard", Wavelet(family="haar", bands="LLL", level=2, pooling="mean")),
    "7.a.2": ("checkerboard", Wavelet(family="haar", bands="HHH", level=2, pooling="mean")),
    "8.a.1": ("checkerboard", Simoncelli(level=1)),
    "8.a.2": ("checkerboard", Simoncelli(level=2)),
    "8.a.3": ("checkerboard", Simoncelli(level=3)),
    "9.a": ("impulse", LaplacianOfGaussian(sigma=3, boundary="zero", riesz=Riesz(order=(1, 0, 0)))),
    "9.b.1": ("sphere", LaplacianOfGaussian(sigma=3, boundary="zero", riesz=Riesz(order=(0, 2, 0)))),
    "10.b.1": ("pattern_1", Simoncelli(level=1, boundary="nearest", riesz=Riesz(order=(0, 2, 0)))),
}


Image = npt.NDArray[np.float64]
Filter = Callable[[Image, tuple[float, float, float], FilterSpec], Image]


@dataclass(frozen=True)
class Agreement:
    """A response map beside its reference."""

    configuration: str
    phantom: str
    filter: str
    difference: float  # the greatest of any voxel, in tolerances

    @property
    def within(self) -> bool:
        """Whether every voxel lies within the tolerance."""
        return self.difference <= 1


def phantom(data: Path, name: str) -> npt.NDArray[np.float64]:
    """Voxels (z, y, x) of a digital phantom."""
    return _voxels(data / "ibsi_2_digital_phantom" / "nifti" / name / "image" / f"{name}.nii.gz")


def reference(data: Path, configuration: str) -> npt.NDArray[np.float64]:
    """Voxels (z, y, x) of a reference response map."""
    name = configuration.replace(".", "_")
    return _voxels(data / "ibsi_2_reference" / "response_maps" / f"{name}-ValidCRM.nii.gz")


def compare(data: Path, configuration: str, filtered: Filter = response) -> Agreement:
    """Filter the phantom of a configuration and hold the map against the reference."""
    name, spec = CONFIGURATIONS[configuration]
    wanted = reference(data, configuration)
    difference = np.abs(filtered(phantom(data, name), SPACING, spec) - wanted).max()
    return Agreement(configuration, name, spec.label, float(difference / (TOLERANCE * np.ptp(wanted))))


def table(data: Path) -> Iterator[str]:
    """The document, line by line."""
    found = [compare(data, configuration) for configuration in CONFIGURATIONS]
    yield "# IBSI-2: response maps of digital phantoms"
    yield ""
    yield "Written by `python -m lucidray.lab.ibsi2 DATA`; a test holds it against a fresh run. A map conforms when no"
    yield "voxel differs from the reference by more than 1 % of the range of the reference (the IBSI's own tolerance)."
    yield "The difference is the greatest of any voxel, in tolerances. Every reference that the IBSI published is here;"
    yield "the configurations with a steered Riesz transform are not among them."
    yield ""
    yield f"**{sum(each.within for each in found)} of {len(found)} conform.**"
    yield ""
    yield "| configuration | phantom | filter | greatest difference | conforms |"
    yield "|---|---|---|---|---|"
    for each in found:
        yield (
            f"| {each.configuration} | {each.phantom} | {each.filter} | {each.difference:.2f} | "
            f"{'yes' if each.within else '**no**'} |"
        )


def peers(data: Path) -> Iterator[str]:
    """The same of other packages, where they are installed."""
    others: dict[str, Filter] = {"mirp": mirp_response, "z-rad": zrad_response}
    yield "## Others, in the same run"
    yield ""
    yield "The greatest difference in tolerances. z-rad's Gabor kernels were cut at 11 standard deviations where the"
    yield "boundary is zero, as its own tests have it; by default they miss 4.a.1 and 4.a.2."
    yield ""
    yield f"| configuration | lucidray | {' | '.join(f'{name} {version(name)}' for name in others)} |"
    yield f"|---|---|{'---|' * len(others)}"
    for configuration in CONFIGURATIONS:
        found = [compare(data, configuration, each).difference for each in (response, *others.values())]
        yield f"| {configuration} | {' | '.join(f'{each:.2f}' for each in found)} |"


def _voxels(path: Path) -> npt.NDArray[np.float64]:
    """The phantoms have neither orientation nor origin, and are all of one make (NIfTI-1, little-endian)."""
    content = gzip.decompress(path.read_bytes())
    shape = [int(size) for size in np.frombuffer(content, "<i2", 3, 42)][::-1]
    kind = _TYPES[int(np.frombuffer(content, "<i2", 1, 70)[0])]
    return np.frombuffer(content, kind, offset=_HEADER_BYTES).reshape(shape).astype(np.float64)


def main() -> None:
    """Write the document."""
    data = Path(sys.argv[1])
    DOCUMENT.write_text("\n".join([*table(data), "", *peers(data)]) + "\n")


if __name__ == "__main__":
    main()
