"""A trained network embeds two tissues."""

import os
from pathlib import Path

import numpy as np
import pytest

from lucidray.imaging.crop import shifted
from lucidray.lab.brainchop_embedding import make_bundle
from lucidray.lab.features.images import read_image
from lucidray.serving.bundle import MODEL
from lucidray.serving.embedding import embed
from lucidray.serving.engine import OnnxRuntimeEngine
from lucidray.serving.settings import ServingSettings

MIDDLE = (slice(80, 176),) * 3


@pytest.mark.data
def test_layers_of_a_trained_network_tell_tissues_apart(tmp_path: Path) -> None:
    folder = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[4] / "shared" / "data")) / "models/brainchop"
    if not folder.is_dir():
        pytest.skip("needs brainchop's weights: set LUCIDRAY_DATA to a folder that has models/brainchop")
    bundle = make_bundle(tmp_path, folder / "meshnet" / "model5_gw_ae")
    assert make_bundle(tmp_path / "again", folder / "meshnet" / "model5_gw_ae").digest == bundle.digest
    volume = read_image(folder / "t1_crop.nii.gz", "MR", "1")
    engine = OnnxRuntimeEngine(bundle.read(MODEL), ServingSettings(threads=1))
    window = volume.voxels[MIDDLE].astype(np.float32)
    classes = engine.run({"image": window[None, None] / 255})[bundle.manifest.outputs[0].name][0].argmax(axis=0)
    white, grey = classes == 1, classes == 2
    assert window[white].mean() - window[grey].mean() > 15, (
        "in T1, white matter is brighter: the weights are read right"
    )
    grid = shifted(volume.grid, np.array([80.0] * 3), (96, 96, 96))
    vectors = []
    # Two halves of each tissue: the network ought to see tissue, not place.
    for half in (slice(0, 48), slice(48, 96)):
        for tissue in (white, grey):
            mask = np.zeros_like(tissue)
            mask[half] = tissue[half]
            found = embed(bundle, engine, {"MR": volume}, mask, grid)
            assert all(each.value is not None for each in found)
            vectors.append([each.value or 0 for each in found if (each.layer, each.pooling) == ("rough", "mean")])
    white_one, grey_one, white_other, grey_other = np.array(vectors)
    assert np.linalg.norm(white_one, axis=0) == pytest.approx(1)
    between = min(np.linalg.norm(white_one - grey_one), np.linalg.norm(white_other - grey_other))
    within = max(np.linalg.norm(white_one - white_other), np.linalg.norm(grey_one - grey_other))
    assert between > within
