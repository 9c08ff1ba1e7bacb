"""Embeddings against what is known of the layers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Volume, VolumeFacts
from lucidray.core.errors import Permanent
from lucidray.serving.bundle import Bundle
from lucidray.serving.embedding import embed
from lucidray.serving.embedding_spec import Embedding
from lucidray.serving.engine import OnnxRuntimeEngine
from lucidray.serving.pooling import Component
from lucidray.serving.settings import ServingSettings

MakeBundle = Callable[..., Bundle]
Mask = npt.NDArray[np.bool_]

FINE = {"name": "fine", "output": "fine", "channels": 2, "stride": [1, 1, 1]}
ROUGH = {"name": "rough", "output": "rough", "channels": 2, "stride": [2, 4, 4]}
CODE = {"name": "code", "output": "code", "channels": 2}
RNG = np.random.default_rng(11)


def pet(shape: tuple[int, int, int], spacing: Vector = (2.0, 2.0, 2.0), scale: float = 1.0) -> Volume:
    grid = Grid(shape=shape, spacing=spacing, origin=(5.0, 6.0, 7.0), axes=((0, 0, 1), (0, 1, 0), (1, 0, 0)))
    facts = VolumeFacts(
        grid=grid,
        modality="PT",
        unit="{SUVbw}g/ml",
        study_instance_uid="",
        series_instance_uid="",
        sop_class_uid="",
        sop_instance_uids=[],
    )
    return Volume((scale * np.random.default_rng(1).random(shape)).astype(np.float32), facts)


def box(shape: tuple[int, int, int], *edges: tuple[int, int]) -> Mask:
    mask = np.zeros(shape, np.bool_)
    mask[tuple(slice(*edge) for edge in edges)] = True
    return mask


def run(bundle: Bundle, volume: Volume, mask: Mask, threads: int = 1) -> dict[tuple[str, str], Component]:
    engine = OnnxRuntimeEngine(bundle.read("model.onnx"), ServingSettings(threads=threads))
    found = embed(bundle, engine, {"PET": volume}, mask, volume.grid)
    return {(each.layer, each.name): each for each in found}


def values(found: dict[tuple[str, str], Component]) -> dict[tuple[str, str], float]:
    return {key: each.value for key, each in found.items() if each.value is not None}


def test_a_layer_as_fine_as_the_grid_pools_the_voxels_of_the_region(make_bundle: MakeBundle, segmenter: bytes) -> None:
    volume = pet((12, 20, 24))
    mask = box(volume.grid.shape, (3, 8), (2, 14), (5, 19)) & (RNG.random(volume.grid.shape) < 0.7)
    inside = volume.voxels[mask].astype(np.float64)
    found = values(run(make_bundle(segmenter, {"layers": [FINE]}), volume, mask))
    assert found == pytest.approx(
        {
            ("fine", "mean_0"): inside.mean(),
            ("fine", "mean_1"): -2 * inside.mean(),
            ("fine", "max_0"): inside.max(),
            ("fine", "max_1"): -2 * inside.min(),
            ("fine", "std_0"): inside.std(),
            ("fine", "std_1"): 2 * inside.std(),
        },
        rel=1e-6,
    )


def test_a_rough_layer_weighs_its_voxels_by_what_the_region_covers(make_bundle: MakeBundle, segmenter: bytes) -> None:
    """The image is as large as a window, so that the layer's blocks are known."""
    volume = pet((8, 16, 16))
    mask = box(volume.grid.shape, (0, 8), (0, 16), (0, 16)) & (RNG.random(volume.grid.shape) < 0.3)
    mask[4:, 8:] = False
    mask[0, 0, 0] = mask[7, 15, 15] = True
    blocks = volume.voxels.reshape(4, 2, 4, 4, 4, 4).mean(axis=(1, 3, 5), dtype=np.float64)
    covered = mask.reshape(4, 2, 4, 4, 4, 4).mean(axis=(1, 3, 5))
    mean = np.average(blocks, weights=covered)
    found = values(run(make_bundle(segmenter, {"layers": [ROUGH]}), volume, mask))
    assert found["rough", "mean_0"] == pytest.approx(mean, rel=1e-6)
    assert found["rough", "std_1"] == pytest.approx(2 * np.sqrt(np.average((blocks - mean) ** 2, weights=covered)))
    assert found["rough", "max_0"] == pytest.approx(blocks[covered >= min(0.5, covered.max())].max(), rel=1e-6)


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
def test_windows_leave_no_trace(make_bundle: MakeBundle, segmenter: bytes, overlap: float) -> None:
    """Of layers that look no further than their own voxel, many windows give what one would."""
    volume = pet((24, 48, 56))
    mask = box(volume.grid.shape, (2, 22), (1, 47), (3, 40)) & (RNG.random(volume.grid.shape) < 0.5)
    inference = {"patch": [8, 16, 16], "overlap": overlap}
    many = values(run(make_bundle(segmenter, {"layers": [FINE]}, inference=inference), volume, mask))
    one = values(run(make_bundle(segmenter, {"layers": [FINE]}, inference={"patch": [24, 48, 48]}), volume, mask))
    assert many == pytest.approx(one, rel=1e-6)


def test_a_region_that_moves_with_its_image_keeps_its_embedding(make_bundle: MakeBundle, segmenter: bytes) -> None:
    bundle = make_bundle(segmenter, {"layers": [FINE, ROUGH]})
    small, large = pet((10, 18, 18)), pet((16, 40, 40))
    voxels = np.zeros(large.grid.shape, np.float32)
    voxels[5:15, 13:31, 20:38] = small.voxels
    mask, moved = box(small.grid.shape, (2, 8), (3, 15), (3, 12)), box(large.grid.shape, (7, 13), (16, 28), (23, 32))
    assert values(run(bundle, Volume(voxels, large.facts), moved)) == values(run(bundle, small, mask))


def test_a_classifier_gives_its_code_for_the_window_around_the_region(
    make_bundle: MakeBundle, classifier: bytes
) -> None:
    volume = pet((8, 16, 16), scale=3.0)
    mask = box(volume.grid.shape, (0, 8), (0, 16), (0, 16))
    bundle = make_bundle(
        classifier,
        {"layers": [{"name": "features", "output": "features", "channels": 1, "stride": [1, 1, 1]}, CODE]},
        kind="classification",
        outputs=[{"name": "probability", "meaning": "test"}],
    )
    found = run(bundle, volume, mask)
    mean = np.maximum(volume.voxels.astype(np.float64) - 1, 0).mean()
    assert values(found)["code", "mean_1"] == pytest.approx(2 * mean, rel=1e-5)
    assert values(found)["features", "mean_0"] == pytest.approx(mean, rel=1e-5)
    assert found["code", "std_0"].reason == "the region touches a single voxel of the layer"


def test_images_are_resampled_to_the_grid_of_the_bundle(make_bundle: MakeBundle, segmenter: bytes) -> None:
    volume = pet((16, 32, 32), (1.0, 1.0, 1.0))
    flat = Volume(np.full_like(volume.voxels, 3.5), volume.facts)
    found = values(
        run(make_bundle(segmenter, {"layers": [ROUGH]}), flat, box(flat.grid.shape, (4, 12), (8, 24), (8, 24)))
    )
    assert found["rough", "mean_0"] == pytest.approx(3.5)
    assert found["rough", "std_0"] == pytest.approx(0, abs=1e-6)


def test_preprocessing_comes_before_the_network(make_bundle: MakeBundle, segmenter: bytes) -> None:
    volume = pet((8, 16, 16))
    mask = box(volume.grid.shape, (2, 6), (4, 12), (4, 12))
    steps = [{"operation": "scale", "role": "PET", "a": 1.0, "b": 0.5}]
    found = values(run(make_bundle(segmenter, {"layers": [FINE]}, preprocessing=steps), volume, mask))
    assert found["fine", "mean_0"] == pytest.approx((volume.voxels[mask].mean(dtype=np.float64) - 1) / 0.5, rel=1e-5)


def test_equal_to_the_bit_for_any_number_of_threads(make_bundle: MakeBundle, segmenter: bytes) -> None:
    bundle, volume = make_bundle(segmenter, {"layers": [FINE, ROUGH]}), pet((24, 48, 56))
    mask = box(volume.grid.shape, (2, 22), (1, 47), (3, 40))
    assert run(bundle, volume, mask, threads=1) == run(bundle, volume, mask, threads=2)


def test_z_scores_by_the_frozen_statistics(make_bundle: MakeBundle, segmenter: bytes) -> None:
    volume = pet((8, 16, 16))
    mask = box(volume.grid.shape, (2, 6), (4, 12), (4, 12))
    text = "layer,component,mean,std\nfine,mean_0,0.4,0.1\nfine,mean_1,1,0\n"
    embedding = {"layers": [FINE], "pooling": ["mean"], "normalisation": "zscore", "statistics": "embedding.csv"}
    found = run(make_bundle(segmenter, embedding, {"embedding.csv": text.encode()}), volume, mask)
    expected = (volume.voxels[mask].mean(dtype=np.float64) - 0.4) / 0.1
    assert found["fine", "mean_0"].value == pytest.approx(expected, rel=1e-5)
    assert found["fine", "mean_1"].value is None
    assert found["fine", "mean_1"].reason == "it did not vary in training"


def test_unit_length_of_each_pooled_layer(make_bundle: MakeBundle, segmenter: bytes) -> None:
    volume = pet((8, 16, 16))
    mask = box(volume.grid.shape, (2, 6), (4, 12), (4, 12))
    bundle = make_bundle(segmenter, {"layers": [FINE, ROUGH], "normalisation": "l2"})
    found = values(run(bundle, volume, mask))
    for layer in ("fine", "rough"):
        for pooling in ("mean", "max", "std"):
            length = sum(found[layer, f"{pooling}_{channel}"] ** 2 for channel in range(2))
            assert length == pytest.approx(1)
    silent = run(bundle, Volume(np.zeros_like(volume.voxels), volume.facts), mask)
    assert {each.reason for each in silent.values()} == {"the layer is silent in the region"}


@pytest.mark.parametrize(
    ("embedding", "files", "cause"),
    [
        (None, {}, "embeds nothing"),
        ({"layers": [FINE | {"output": "lost"}]}, {}, "'lost' of layer 'fine' is absent"),
        ({"layers": [FINE | {"channels": 5}]}, {}, "not of shape"),
        ({"layers": [ROUGH | {"stride": [3, 4, 4]}]}, {}, "no multiple of the layers' strides"),
        ({"layers": [FINE], "normalisation": "zscore", "statistics": "a.csv"}, {"a.csv": b"mean,std\n1,2\n"}, "read"),
        (
            {"layers": [FINE], "normalisation": "zscore", "statistics": "a.csv"},
            {"a.csv": b"layer,component,mean,std\nfine,mean_0,1,2\n"},
            "lack mean_1 of layer 'fine'",
        ),
    ],
)
def test_broken_bundles_are_named(
    make_bundle: MakeBundle, segmenter: bytes, embedding: Any, files: dict[str, bytes], cause: str
) -> None:
    volume = pet((8, 16, 16))
    with pytest.raises(Permanent, match=cause):
        run(make_bundle(segmenter, embedding, files), volume, box(volume.grid.shape, (2, 6), (4, 12), (4, 12)))


def test_a_region_of_nothing_is_undefined(make_bundle: MakeBundle, segmenter: bytes) -> None:
    volume = pet((8, 16, 16))
    found = run(make_bundle(segmenter, {"layers": [FINE]}), volume, np.zeros(volume.grid.shape, np.bool_))
    assert {each.reason for each in found.values()} == {"nothing of the region lies on the network's grid"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"layers": [FINE], "normalisation": "zscore"}, "needs statistics"),
        ({"layers": [FINE, FINE]}, "named twice"),
        ({"layers": []}, "at least 1"),
    ],
)
def test_nonsense_in_a_manifest_is_refused(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Embedding.model_validate(content)
