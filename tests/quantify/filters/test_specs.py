"""Filters as presets write them."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from lucidray.quantify.filters import FilterSpec

SPECS: TypeAdapter[FilterSpec] = TypeAdapter(FilterSpec)


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ({"kind": "mean", "support": 5}, "mean 5 3D mirror"),
        ({"kind": "laplacian_of_gaussian", "sigma": 1.5, "volumetric": False}, "log 1.5 mm 2D mirror"),
        ({"kind": "laws", "kernels": "L5E5E5", "pooling": "max", "energy": 7}, "laws L5E5E5 max energy 7 3D mirror"),
        (
            {"kind": "gabor", "sigma": 5, "wavelength": 2, "step": 22.5},
            "gabor 5 mm 2 mm 1 0+22.5 degrees mean modulus 2D mirror",
        ),
        ({"kind": "wavelet", "family": "db3", "bands": "LLH", "level": 2}, "wavelet db3 LLH level 2 3D mirror"),
        ({"kind": "simoncelli", "level": 2}, "simoncelli level 2 3D periodic"),
        (
            {"kind": "simoncelli", "riesz": {"order": [1, 0, 0], "steering": 2}},
            "simoncelli level 1 riesz 1-0-0 steered 2 mm 3D periodic",
        ),
    ],
)
def test_a_filter_is_read_by_its_kind_and_has_a_name(written: dict[str, Any], label: str) -> None:
    assert SPECS.validate_python(written).label == label


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"kind": "median"}, "kind"),
        ({"kind": "mean", "support": 4}, "odd"),
        ({"kind": "mean", "support": 5, "boundary": "wrap"}, "mirror"),
        ({"kind": "laws", "kernels": "L5E5"}, "3 of L3"),
        ({"kind": "laws", "kernels": "L5E5Q5"}, "make a Laws kernel"),
        ({"kind": "laws", "kernels": "L5E5E5", "volumetric": False}, "2 of L3"),
        ({"kind": "gabor", "sigma": 5, "wavelength": 2, "step": 50}, "full turn"),
        ({"kind": "gabor", "sigma": 5, "wavelength": 2, "volumetric": True}, "volumetric"),
        ({"kind": "wavelet", "family": "db39", "bands": "LLH"}, "family"),
        ({"kind": "wavelet", "family": "db3", "bands": "LH"}, "3 letters"),
        ({"kind": "wavelet", "family": "db3", "bands": "LLH", "decimated": True, "pooling": "max"}, "vain"),
        ({"kind": "simoncelli", "riesz": {"order": [1, 0]}}, "3 Riesz orders"),
        ({"kind": "simoncelli", "riesz": {"order": [0, 0, 0]}}, "not all 0"),
        ({"kind": "laplacian_of_gaussian", "sigma": 0}, "greater than 0"),
    ],
)
def test_what_makes_no_filter_is_refused(written: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        SPECS.validate_python(written)
