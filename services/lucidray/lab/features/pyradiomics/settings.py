"""The section `setting`: image processing and matrices."""

from collections.abc import Mapping
from typing import Any

from lucidray.lab.features.pyradiomics.note import Note, differing, refused

Content = Mapping[str, Any]
Fields = dict[str, Any]
Part = tuple[Fields, list[Note]]

_BIN_WIDTH = 25  # pyradiomics' default
_INTERPOLATORS = {
    "sitkNearestNeighbor": "nearest",
    "sitkLinear": "linear",
    "sitkBSpline": "cubic",
    1: "nearest",  # numbers of SimpleITK's enumeration
    2: "linear",
    3: "cubic",
}
_NORMS = {"infinity": "chebyshev", "euclidean": "euclidean", "manhattan": "manhattan"}
# What is not honoured: the value that asks for nothing, and what happens instead.
_REFUSED: Mapping[str, tuple[Any, str]] = {
    "normalize": (False, "intensities are measured as they are: normalise the image first"),
    "resegmentShape": (False, "shape is measured in the whole mask (manual, section 2.6)"),
    "symmetricalGLCM": (True, "the manual's matrix counts pairs both ways (section 3.6)"),
    "voxelArrayShift": (0, "energy and root mean square are those of the intensities as they are"),
    "minimumROIDimensions": (None, "small regions are measured with a remark; what they leave undefined has a reason"),
    "minimumROISize": (None, "small regions are measured with a remark; what they leave undefined has a reason"),
    "label": (None, "choose the label with --roi, or in the column roi of the cohort"),
    "label_channel": (None, "choose the region with --roi, or in the column roi of the cohort"),
    "geometryTolerance": (None, "a mask may be a hundredth of a voxel off its image; --any-grid allows more"),
    "correctMask": (False, "a mask on another grid is refused, unless --any-grid is given; then it is resampled"),
    "force2Ddimension": (0, "slices are those of the image"),
}
_TAKEN = frozenset(
    {"binWidth", "binCount", "resampledPixelSpacing", "interpolator", "resegmentRange", "resegmentMode"}
    | {"distances", "gldm_a", "weightingNorm", "force2D"}
)
# Without effect on values, or only beside a setting that is refused already.
_IDLE = frozenset({"padDistance", "preCrop", "additionalInfo", "enableCExtensions", "normalizeScale", "removeOutliers"})


def measurement_of(settings: Content) -> Part:
    """Fields of a measurement, and notes on what they leave out."""
    fields: Fields = {}
    notes: list[Note] = []
    for part in (_grid, _resegmentation, _matrices):
        more, said = part(settings)
        fields |= more
        notes += said
    fields["discretisation"] = discretisation_of(settings)
    notes += [
        refused(name, settings[name], text)
        for name, (neutral, text) in _REFUSED.items()
        if settings.get(name, neutral) != neutral
    ]
    known = {*_REFUSED, *_TAKEN, *_IDLE}
    return fields, notes + [refused(name, settings[name], "it is not known") for name in settings if name not in known]


def discretisation_of(settings: Content) -> Fields:
    """Bins of a fixed number if there is one, else of a fixed width, which start at a multiple of it."""
    if settings.get("binCount"):
        return {"method": "fixed_bin_number", "value": settings["binCount"]}
    return {"method": "fixed_bin_size", "value": settings.get("binWidth", _BIN_WIDTH), "start": "multiple"}


def _grid(settings: Content) -> Part:
    spacing = settings.get("resampledPixelSpacing")
    if not spacing:
        return {}, []
    given = settings.get("interpolator", "sitkBSpline")
    fields = {
        "spacing": [float(step) or None for step in reversed(spacing)],  # (x, y, z) there; 0 keeps an axis
        "interpolation": _INTERPOLATORS.get(given, "cubic"),
        "mask_interpolation": "nearest",
    }
    notes = [
        differing(
            "resampledPixelSpacing",
            spacing,
            "the new grid has the image's middle in its own (manual, section 2.4), pyradiomics' has its corner: "
            "voxels lie up to half a step apart",
        )
    ]
    if given not in _INTERPOLATORS:
        notes.append(refused("interpolator", given, "cubic splines are used; there are nearest, linear and cubic"))
    return fields, notes


def _resegmentation(settings: Content) -> Part:
    limits, mode = settings.get("resegmentRange"), settings.get("resegmentMode", "absolute")
    if not limits:
        return {}, []
    low, high = (*limits, None)[:2]
    if mode == "absolute":
        return {"intensity_range": [low, high]}, []
    if mode == "sigma" and high is not None and low == -high:
        return {"outliers": high}, []
    text = "only a range of intensities, or a number of standard deviations to both sides, is taken"
    return {}, [refused("resegmentRange", f"{limits} {mode}", text)]


def _matrices(settings: Content) -> Part:
    notes = []
    distance, *others = settings.get("distances") or [1]
    if others:
        notes.append(refused("distances", settings["distances"], f"matrices have one distance: {distance} is taken"))
    fields: Fields = {"aggregation": _aggregation(settings)}
    alpha = settings.get("gldm_a", 0)
    if distance != 1:
        fields |= {"glcm": {"distance": distance}, "ngtdm": {"distance": distance}}
    if distance != 1 or alpha:
        fields["ngldm"] = {"distance": distance, "coarseness": alpha}
    norm = settings.get("weightingNorm")
    if norm in _NORMS:
        fields.setdefault("glcm", {})["weighting"] = {"function": "gaussian", "norm": _NORMS[norm]}
        notes.append(differing("weightingNorm", norm, "directions are weighted by their length in voxels, not in mm"))
        notes.append(refused("weightingNorm", norm, "runs are merged without weights; there they grow with length"))
    return fields, notes


def _aggregation(settings: Content) -> str:
    """Matrices within slices are merged over slices (2.5D in the manual), weighted ones over directions."""
    dimensions = "2.5D" if settings.get("force2D") else "3D"
    return f"{dimensions}:{'mrg' if settings.get('weightingNorm') else 'avg'}"
