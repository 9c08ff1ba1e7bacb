"""Makes the detector of burned-in text of the step `deidentify`.

    python -m lucidray.lab.text_detector [--steps N] [--fonts FOLDER] [OUT.onnx]

A small convolutional network, trained on drawn text (phantom/lettering.py). It is drawn on three kinds of picture that
have none: made-up ones (phantom/backdrop.py), slices of phantoms, and slices of the public scans of LUCIDRAY_DATA
that `scans` names, so that anatomy is not taken for writing. Fonts whose path holds one of `HELD_OUT_FONTS`, Pillow's
own font, and the patients of `HELD_OUT_PATIENTS` are kept for the tests. Needs the extra `torch`.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from rich.progress import track
from torch import nn
from torch.nn import functional

from lucidray.deidentify.textmap import MODEL, normalised
from lucidray.lab.nifti import read_nifti
from lucidray.phantom import backdrop, lettering
from lucidray.phantom.scanners import SCANNERS
from lucidray.phantom.study import make_study

HELD_OUT_FONTS = ("liberation", "hack")
HELD_OUT_PATIENTS = ("STS_001", "STS_002", "STS_003", "STS_006")
DRAWN, SIDE = 256, 160  # pixels of what is drawn, and of the part of it that a step sees
BATCH, POOL = 8, 400
STRIDE = 2  # of the map against the picture
RATE, SEED = 2e-3, 20261
Rng = np.random.Generator
Scans = Sequence[npt.NDArray[Any]]
Pool = tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]


def _block(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class TextMap(nn.Module):
    """Picture (n, 1, y, x) to the probability of text (n, 1, y/2, x/2); y and x are multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(_block(4, 16), _block(16, 32, 2), _block(32, 32))
        self.coarse = nn.Sequential(_block(32, 48, 2), _block(48, 48), _block(48, 48, 1, 2), _block(48, 48, 1, 4))
        self.lift, self.join, self.head = nn.Conv2d(48, 32, 1), _block(32, 32), nn.Conv2d(32, 4, 1)

    def logits(self, picture: torch.Tensor) -> torch.Tensor:
        """Before the sigmoid."""
        fine = self.fine(functional.pixel_unshuffle(picture, 2))
        coarse = functional.interpolate(self.lift(self.coarse(fine)), scale_factor=2.0, mode="nearest")
        return functional.pixel_shuffle(self.head(self.join(fine + coarse)), 2)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return torch.sigmoid(self.logits(picture))


def train(steps: int, fonts: Sequence[Path], scans: Scans, seed: int = SEED) -> TextMap:
    """Train on text that is drawn as it goes."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the same result on any machine
    rng, network = np.random.default_rng(seed), TextMap()
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    recent = 0.0
    for step, (pictures, masks) in enumerate(track(_batches(rng, fonts, scans, steps), "training", total=steps)):
        loss = _loss(network.logits(pictures), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        recent = 0.98 * recent + 0.02 * float(loss.detach()) if step else float(loss.detach())
        if step % 100 == 0:
            print(f"step {step}: loss {recent:.4f}", flush=True)
    network.eval()
    return network


def _loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy and Dice: most pixels are not text."""
    found = torch.sigmoid(logits)
    dice = 1 - (2 * (found * truth).sum() + 1) / (found.sum() + truth.sum() + 1)
    return functional.binary_cross_entropy_with_logits(logits, truth) + 0.5 * dice


def _batches(rng: Rng, fonts: Sequence[Path], scans: Scans, steps: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    pool = _pool(rng, fonts, scans, POOL)
    for _ in range(steps):
        fresh = _pool(rng, fonts, scans, BATCH // 4)  # a quarter of every batch is new and replaces what was there
        places = rng.integers(0, POOL, BATCH // 4)
        pool[0][places], pool[1][places] = fresh
        chosen = np.concatenate([places, rng.integers(0, POOL, BATCH - len(places))])
        views = [_varied(pool[0][index], pool[1][index], rng) for index in chosen]
        yield (
            torch.from_numpy(np.stack([view[0] for view in views])[:, None]),
            torch.from_numpy(np.stack([view[1] for view in views])[:, None]),
        )


def _pool(rng: Rng, fonts: Sequence[Path], scans: Scans, count: int) -> Pool:
    pictures = np.empty((count, DRAWN, DRAWN), np.uint8)
    masks = np.empty((count, DRAWN, DRAWN), bool)
    kinds = list(backdrop.KINDS.values())
    for index in range(count):
        real = bool(scans) and rng.uniform() < 0.45
        empty = _slice(scans, rng) if real else kinds[int(rng.integers(len(kinds)))](rng, (DRAWN, DRAWN))
        lines = 0 if rng.uniform() < 0.4 else int(rng.integers(1, 9))
        picture, placed = lettering.burn(empty, rng, fonts, lines)
        pictures[index] = picture.clip(0, 1) * 255
        masks[index] = lettering.mask_of(placed, (DRAWN, DRAWN))
    return pictures, masks


def _slice(scans: Scans, rng: Rng) -> npt.NDArray[np.float32]:
    """A slice of any scan in any direction, of any pixel size."""
    scan = scans[int(rng.integers(len(scans)))]
    plane = scan.take(int(rng.integers(scan.shape[0])), 0)
    if rng.uniform() < 0.3:
        axis = int(rng.integers(1, 3))
        plane = scan.take(int(rng.integers(scan.shape[axis])), axis)
    factor = DRAWN / min(plane.shape) * rng.uniform(1.0, 1.5)
    size = [max(DRAWN, round(side * factor)) for side in plane.shape]
    how = Image.Resampling.NEAREST if rng.uniform() < 0.3 else Image.Resampling.BICUBIC
    if rng.uniform() < 0.5 and min(plane.shape) >= DRAWN:
        size = list(plane.shape)
    large = np.asarray(Image.fromarray(normalised(plane)).resize(size[::-1], how))
    top, left = (int(rng.integers(0, side - DRAWN + 1)) for side in large.shape)
    return large[top : top + DRAWN, left : left + DRAWN].clip(0, 1)


def _varied(picture: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_], rng: Rng) -> tuple[Any, Any]:
    """A part of a picture: turned, inverted, brightened, with noise; the mask at the map's resolution."""
    top, left = rng.integers(0, DRAWN - SIDE + 1, 2)
    part = np.s_[top : top + SIDE, left : left + SIDE]
    turns, mirrored = int(rng.integers(4)) if rng.uniform() < 0.3 else 0, rng.uniform() < 0.15
    values = np.rot90(picture[part], turns).astype(np.float32) / 255
    truth = np.rot90(mask[part], turns)
    if mirrored:
        values, truth = values[:, ::-1], truth[:, ::-1]
    if rng.uniform() < 0.3:
        values = 1 - values
    values = values ** np.float32(rng.uniform(0.6, 1.6))
    values = values + rng.normal(0, rng.uniform(0, 0.04), values.shape).astype(np.float32)
    coarse = truth.reshape(SIDE // STRIDE, STRIDE, SIDE // STRIDE, STRIDE).mean((1, 3)) >= 0.5
    return normalised(values), coarse.astype(np.float32)


def export(network: TextMap, path: Path) -> None:
    """Write the network as ONNX, for pictures of any size."""
    free = {2: torch.export.Dim("rows8") * 8, 3: torch.export.Dim("columns8") * 8}
    torch.onnx.export(
        network,
        (torch.zeros(1, 1, 64, 96),),
        path,
        input_names=["picture"],
        output_names=["text"],
        dynamic_shapes=({**free},),
        opset_version=18,
        external_data=False,
        dynamo=True,
    )


def read_scans(data: Path) -> list[npt.NDArray[Any]]:
    """Volumes (z, y, x): phantoms, and of LUCIDRAY_DATA the examples of TotalSegmentator (Apache-2.0) and the soft
    tissue sarcomas (CC BY 3.0, doi:10.7937/K9/TCIA.2015.7GO2GSKS) but for the patients that are held out."""
    scans: list[npt.NDArray[Any]] = []
    for seed, scanner in enumerate(SCANNERS):
        study = make_study(seed, scanner=scanner)
        scans += [np.stack([each.pixel_array for each in study.of(modality)]) for modality in ("CT", "PT")]
    scans += [read_nifti(path)[0] for path in sorted((data / "totalsegmentator").glob("example_[cm]*.nii.gz"))]
    for path in sorted((data / "sts_cohort" / "iso3mm_ctpet").glob("*.npz")):
        if path.stem not in HELD_OUT_PATIENTS:
            with np.load(path) as arrays:
                scans += [arrays["ct_u8"], arrays["pet_suv_x20"]]
    return scans


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=MODEL)
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts/truetype"))
    arguments = parser.parse_args()
    found = sorted(path for path in arguments.fonts.rglob("*.tt[cf]"))
    fonts = [path for path in found if not any(word in str(path).casefold() for word in HELD_OUT_FONTS)]
    scans = read_scans(Path(os.environ.get("LUCIDRAY_DATA", "../shared/data")))
    export(train(arguments.steps, fonts, scans), arguments.out)


if __name__ == "__main__":
    main()
