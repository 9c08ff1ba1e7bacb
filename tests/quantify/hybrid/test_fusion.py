"""Fused images."""

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from lucidray.quantify.hybrid.fusion import Fusion, WaveletFusion, WeightedFusion, fuse

RNG = np.random.default_rng(3)
FIRST, SECOND = RNG.random((9, 12, 11)), RNG.random((9, 12, 11))


def test_weighted_fusion_is_the_weighted_mean() -> None:
    fused = fuse(FIRST, SECOND, WeightedFusion(kind="weighted", weight=0.25))
    np.testing.assert_array_equal(fused, 0.25 * FIRST + 0.75 * SECOND)


@pytest.mark.parametrize("wavelet", ["haar", "db2", "db3", "coif1"])
def test_equal_weights_in_all_bands_are_the_weighted_fusion(wavelet: str) -> None:
    """The transform is linear and comes back exactly, whatever the lengths of the axes."""
    spec = WaveletFusion.model_validate({"kind": "wavelet", "wavelet": wavelet, "low": 0.3, "high": 0.3})
    np.testing.assert_allclose(fuse(FIRST, SECOND, spec), 0.3 * FIRST + 0.7 * SECOND, atol=1e-12)


def test_an_image_fused_with_itself_is_itself() -> None:
    np.testing.assert_allclose(fuse(FIRST, FIRST, WaveletFusion(kind="wavelet")), FIRST, atol=1e-12)


def test_details_come_from_the_image_that_has_them() -> None:
    """A step in one image and a flat other: the step keeps its full height, where the weighted mean halves it."""
    step = np.zeros((16, 16, 16))
    step[8:] = 1
    flat = np.full(step.shape, 0.5)
    fused = fuse(step, flat, WaveletFusion(kind="wavelet", wavelet="haar"))
    jump = (fused[8] - fused[7]).mean()
    assert jump == pytest.approx(0.75)  # half of it is low-pass, and halved by the weight; the other half is kept
    assert fuse(step, flat, WeightedFusion(kind="weighted"))[8].mean() == pytest.approx(0.75)


def test_moving_both_moves_the_fused() -> None:
    spec = WaveletFusion(kind="wavelet")
    whole, part = fuse(FIRST, SECOND, spec), fuse(FIRST[1:], SECOND[1:], spec)
    np.testing.assert_allclose(part[4:-4, 3:-3, 3:-3], whole[5:-4, 3:-3, 3:-3], atol=1e-9)


def test_labels_tell_fusions_apart_and_nonsense_is_refused() -> None:
    read = TypeAdapter[WeightedFusion | WaveletFusion](Fusion).validate_python
    labels = [
        read({"kind": "weighted", "weight": 0.4}).label,
        read({"kind": "wavelet", "high": 0.2}).label,
        read({"kind": "wavelet"}).label,
    ]
    assert labels == ["weighted 0.4", "wavelet coif1 low 0.5 high 0.2", "wavelet coif1 low 0.5 high largest"]
    with pytest.raises(ValidationError):
        read({"kind": "weighted", "weight": 1.2})
