"""Scales that each image gives itself, as networks for MR want them."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError
from tests.serving.test_embedding import FINE, box, pet, run, values

from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.segment.network import output_map
from lucidray.serving.bundle import Bundle
from lucidray.serving.engine import OnnxRuntimeEngine
from lucidray.serving.images import preprocess
from lucidray.serving.manifest import Manifest
from lucidray.serving.preprocessing import Operation, Preprocessing
from lucidray.serving.scale import Place, UnfitImage, settled
from lucidray.serving.settings import ServingSettings

MakeBundle = Callable[..., Bundle]
Floats = npt.NDArray[np.float32]

SHAPE = (10, 24, 30)
REGION = box(SHAPE, (2, 6), (4, 12), (5, 20))


@pytest.fixture
def head() -> Volume:
    """Tissue of arbitrary intensity in the middle, nothing around it, and a hot pixel."""
    volume = pet(SHAPE, scale=900)
    inside = box(SHAPE, (1, 9), (3, 21), (4, 26))
    voxels = np.where(inside, volume.voxels + 100, 0).astype(np.float32)
    voxels[5, 10, 10] = 40_000
    return Volume(voxels, volume.facts)


def operations(*each: dict[str, Any]) -> list[Operation]:
    adapter: TypeAdapter[Operation] = TypeAdapter(Operation)
    return [adapter.validate_python({"role": "PET"} | one) for one in each]


def scaled(make_bundle: MakeBundle, model: bytes, volume: Volume, *each: dict[str, Any]) -> Floats:
    """The whole image as the network would see it."""
    manifest = make_bundle(model, kind="classification", preprocessing=[{"role": "PET"} | one for one in each]).manifest
    found = settled(manifest.preprocessing, {"PET": volume}, Place(REGION, volume.grid))
    channels: Floats = preprocess(manifest, found, {"PET": volume.voxels.astype(np.float32)})
    first: Floats = channels[0]
    return first


def test_z_scores_over_each_choice_of_voxels(make_bundle: MakeBundle, segmenter: bytes, head: Volume) -> None:
    image = head.voxels.astype(np.float64)
    chosen = {
        "image": image,
        "nonzero": image[image != 0],
        "above_mean": image[image > image.mean()],
        "region": image[REGION],
    }
    for over, voxels in chosen.items():
        expected = (image - voxels.mean()) / voxels.std()
        if over == "nonzero":
            expected[image == 0] = 0
        found = scaled(make_bundle, segmenter, head, {"operation": "zscore", "over": over})
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=over)


def test_operations_measure_what_earlier_ones_left(make_bundle: MakeBundle, segmenter: bytes, head: Volume) -> None:
    """Percentiles, then the range between them to 0 and 1: the hot pixel does not set the scale."""
    low, high = np.percentile(head.voxels[head.voxels != 0], [1, 99])
    found = scaled(
        make_bundle,
        segmenter,
        head,
        {"operation": "clip_percentiles", "low": 1, "high": 99, "over": "nonzero"},
        {"operation": "minmax", "over": "nonzero"},
        {"operation": "scale", "a": 0.5, "b": 0.5},
    )
    expected = (np.clip(head.voxels, low, high) - low) / (high - low)
    expected[head.voxels == 0] = 0
    np.testing.assert_allclose(found, (expected - 0.5) / 0.5, rtol=1e-4, atol=1e-5)


def test_a_segmentation_sees_the_same_scale(make_bundle: MakeBundle, segmenter: bytes, head: Volume) -> None:
    """The layer `fine` passes the image on: it is what the network is given."""
    steps = [{"role": "PET", "operation": "zscore", "over": "nonzero"}]
    outputs = [{"name": "fine", "meaning": "the image"}]
    bundle = make_bundle(segmenter, preprocessing=steps, outputs=outputs)
    engine = OnnxRuntimeEngine(bundle.read("model.onnx"), ServingSettings(threads=1))
    given, role = output_map(bundle, engine, {"PET": head})
    assert role == "PET"
    np.testing.assert_allclose(given, scaled(make_bundle, segmenter, head, *steps), rtol=1e-4, atol=1e-5)


def test_settled_operations_settle_to_themselves(head: Volume) -> None:
    wanted = operations({"operation": "clip", "a": 0, "b": 500}, {"operation": "zscore", "over": "nonzero"})
    found = settled(wanted, {"PET": head})
    assert all(isinstance(each, Preprocessing) for each in found)
    assert [each.zeros for each in found] == ["change", "stay"]
    assert settled(found, {"PET": head}) == found


def test_voxels_that_are_no_numbers_give_no_scale(head: Volume) -> None:
    voxels = head.voxels.copy()
    voxels[0, 0, :5] = np.nan
    (found,) = settled(operations({"operation": "zscore"}), {"PET": Volume(voxels, head.facts)})
    assert found.a == pytest.approx(np.nanmean(voxels.astype(np.float64)))


@pytest.mark.parametrize(
    "preprocessing",
    [
        [{"operation": "zscore"}],
        [{"operation": "zscore", "over": "above_mean"}],
        [{"operation": "zscore", "over": "region"}],
        [{"operation": "clip_percentiles", "low": 0.5, "high": 99.5}, {"operation": "minmax"}],
    ],
)
def test_an_embedding_knows_no_arbitrary_unit(
    make_bundle: MakeBundle, segmenter: bytes, head: Volume, preprocessing: Sequence[dict[str, Any]]
) -> None:
    """The same anatomy in another scanner's intensities embeds alike: what MR needs."""
    steps = [{"role": "PET"} | one for one in preprocessing]
    bundle = make_bundle(segmenter, {"layers": [FINE]}, kind="classification", preprocessing=steps)
    other = Volume((head.voxels * 0.37 + 12).astype(np.float32), head.facts)
    one, another = (values(run(bundle, each, REGION)) for each in (head, other))
    assert one == pytest.approx(another, rel=1e-3, abs=1e-4)
    assert one["fine", "std_0"] > 0


def test_the_scale_is_that_of_the_whole_image_whatever_the_window(
    make_bundle: MakeBundle, segmenter: bytes, head: Volume
) -> None:
    steps = [{"operation": "zscore", "role": "PET"}]
    whole = head.voxels.astype(np.float64)
    bundle = make_bundle(segmenter, {"layers": [FINE]}, preprocessing=steps)
    found = values(run(bundle, head, REGION))
    assert found["fine", "mean_0"] == pytest.approx((whole[REGION].mean() - whole.mean()) / whole.std(), rel=1e-4)


@pytest.mark.parametrize(
    ("over", "where"), [("image", "it does not vary,"), ("nonzero", "vary where it is not zero,"), ("region", "region")]
)
def test_an_image_that_does_not_vary_gives_no_scale(head: Volume, over: str, where: str) -> None:
    flat = Volume(np.zeros_like(head.voxels), head.facts)
    with pytest.raises(UnfitImage, match=where) as failure:
        settled(operations({"operation": "minmax", "over": over}), {"PET": flat}, Place(REGION, flat.grid))
    assert isinstance(failure.value, Permanent) and "'PET'" in failure.value.thing


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"operation": "clip", "a": 2, "b": 1}, "a <= b"),
        ({"operation": "scale", "a": 0, "b": 0}, "b other than 0"),
        ({"operation": "clip_percentiles", "low": 99, "high": 1}, "low < high"),
        ({"operation": "clip_percentiles", "low": 1, "high": 101}, "less than or equal to 100"),
        ({"operation": "zscore", "over": "brain"}, "'image', 'nonzero'"),
        ({"operation": "histogram"}, "does not match any of the expected tags"),
    ],
)
def test_nonsense_is_refused(operation: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        operations(operation)


def test_the_example_of_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "radiomics-beyond.md").read_text("utf-8")
    (example,) = re.findall(r"^```yaml\n(preprocessing:.*?)```", page, re.MULTILINE | re.DOTALL)
    assert len(operations(*yaml.safe_load(example)["preprocessing"])) == 2


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"operation": "zscore", "role": "PET", "over": "region"}, "yet to find"),
        ({"operation": "zscore", "role": "MR"}, "which is no input"),
    ],
)
def test_what_a_bundle_cannot_do_is_refused_in_its_manifest(
    make_bundle: MakeBundle, segmenter: bytes, operation: dict[str, Any], message: str
) -> None:
    content = make_bundle(segmenter).manifest.model_dump(mode="json") | {"preprocessing": [operation]}
    with pytest.raises(ValidationError, match=message):
        Manifest.model_validate(content)
