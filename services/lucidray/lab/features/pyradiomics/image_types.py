"""The section `imageType`: response maps."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lucidray.lab.features.pyradiomics.note import Note, differing, refused
from lucidray.lab.features.pyradiomics.settings import discretisation_of
from lucidray.quantify.filters import FilterSpec

Content = Mapping[str, Any]
Spec = dict[str, Any]

_SIGMAS = [5.0, 4.5, 4.0, 3.5, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5]  # pyradiomics' default, mm
_BINS = frozenset({"binWidth", "binCount"})
_OWN = {"LoG": {"sigma"}, "Wavelet": {"wavelet", "start_level", "level"}, "Original": set[str]()}
_UNEQUAL = "response maps are made of voxels with equal sides"
_CUSTOM = "settings of a single image type are not taken, but for its bins"


def filters_of(image_types: Content, settings: Content) -> tuple[dict[str, Any], list[Note]]:
    """Fields of a measurement that make its response maps, and notes on those that are not made."""
    specs: list[Spec] = []
    notes: list[Note] = []
    if "Original" not in image_types:
        notes.append(refused("imageType", sorted(image_types), "the image itself is measured as well"))
    for name, given in image_types.items():
        custom = {**settings, **(given or {})}
        if name == "LoG":
            found, said = _laplacians(custom)
        elif name == "Wavelet":
            found, said = _wavelets(custom)
        elif name == "Original":
            found, said = [], []
        else:
            found, said = [], [refused("imageType", name, "there is no such response map here")]
        specs += found
        notes += said + _customised(name, given or {})
    spacing = settings.get("resampledPixelSpacing")
    if specs and spacing and len(set(spacing)) > 1:
        return {}, [*notes, refused("imageType", sorted(image_types), f"{_UNEQUAL}: none is made at {spacing} mm")]
    if not specs:
        return {}, notes
    if not spacing:
        notes.append(differing("imageType", sorted(image_types), f"{_UNEQUAL}: other images fail, resample them"))
    bins, said = _bins(image_types, settings)
    return {"filters": specs, "filter_discretisation": bins}, notes + said


def _laplacians(settings: Content) -> tuple[list[Spec], list[Note]]:
    sigmas = settings.get("sigma", _SIGMAS)
    text = (
        "the kernel is the manual's, sampled and cut at 4 sigma; pyradiomics' is recursive and multiplied by sigma^2, "
        "so that its values are about sigma^2 times ours"
    )
    specs = [{"kind": "laplacian_of_gaussian", "sigma": float(sigma)} for sigma in sigmas]
    return specs, [differing("LoG", sigmas, text)] if sigmas else []


def _wavelets(settings: Content) -> tuple[list[Spec], list[Note]]:
    """Letters of bands stand in the order x, y, z in both; within slices there is no z."""
    family, first, count = settings.get("wavelet", "coif1"), settings.get("start_level", 0), settings.get("level", 1)
    flat = bool(settings.get("force2D"))
    common: Spec = {"kind": "wavelet", "family": family, "boundary": "periodic"}
    if flat:
        common["volumetric"] = False
    specs = [
        {**common, "bands": "".join(bands), "level": level}
        for level in range(first + 1, first + count + 1)
        for bands in product("LH", repeat=2 if flat else 3)
        if "H" in bands or level == first + count  # the approximation of the last level alone
    ]
    try:
        TypeAdapter(list[FilterSpec]).validate_python(specs)
    except ValidationError:
        return [], [refused("Wavelet", family, "of this family or level there is no wavelet here")]
    text = (
        "the same transform, repeated at the borders of the image; in pyradiomics a resampled image ends padDistance "
        "voxels beyond the region, and odd sizes are padded by a voxel"
    )
    return specs, [differing("Wavelet", family, text)]


def _customised(name: str, given: Content) -> list[Note]:
    others = sorted(set(given) - _OWN.get(name, set(given)) - _BINS)
    return [refused(f"imageType {name}", others, _CUSTOM)] if others else []


def _bins(image_types: Content, settings: Content) -> tuple[Spec, list[Note]]:
    """Of all response maps: a measurement has one discretisation for them."""
    kinds = [
        discretisation_of({**settings, **(given or {})})
        for name, given in image_types.items()
        if name in ("LoG", "Wavelet")
    ]
    if all(kind == kinds[0] for kind in kinds):
        return kinds[0], []
    return kinds[0], [refused("imageType", kinds[1:], f"response maps have one discretisation: {kinds[0]} is taken")]
