"""Makes the bundle `pet-suv-threshold`: SUV >= 2.5 as an ONNX graph.

    python -m lucidray.lab.pet_suv_threshold [FOLDER]

The oldest rule for delineating FDG-avid tumours, run through the same engine and window as any network:
what a trained network must beat. It is evaluated on the soft-tissue-sarcoma cohort of LUCIDRAY_DATA.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from lucidray.core.errors import Permanent
from lucidray.imaging.codes import LESION, MORPHOLOGICALLY_ABNORMAL_STRUCTURE
from lucidray.imaging.suv import UNIT
from lucidray.segment.lesions import separate
from lucidray.serving.bundle import CARD, MODEL, Bundle, write_bundle
from lucidray.serving.engine import OnnxRuntimeEngine
from lucidray.serving.settings import BundleSettings, ServingSettings
from lucidray.serving.window import sliding_window

NAME = "pet-suv-threshold"
VERSION = "1.0.0"
THRESHOLD = 2.5  # g/ml, body weight: the customary fixed cut-off
PATCH = (64, 64, 64)
CONNECTIVITY = 26
MINIMUM_ML = 1.0  # smaller components are mostly noise at the resolution of PET
MAXIMUM_LESIONS = 10
FRACTION = 0.41  # of SUVmax: the usual relative threshold, as the baseline beside
OPSET, IR_VERSION = 18, 10
BOOTSTRAP, SEED = 2000, 20261

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """Dice per patient, by subject."""

    model: list[float]
    every_voxel: list[float]
    relative: list[float]


def make_model(threshold: float = THRESHOLD) -> bytes:
    """Graph from SUV (n, 1, z, y, x) float32 to 1.0 where SUV >= threshold, else 0.0, of the same shape."""
    shape: list[str | int | None] = ["n", 1, "z", "y", "x"]
    graph = helper.make_graph(
        [
            helper.make_node("GreaterOrEqual", ["suv", "threshold"], ["inside"]),
            helper.make_node("Cast", ["inside"], ["region"], to=TensorProto.FLOAT),
        ],
        NAME,
        [helper.make_tensor_value_info("suv", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("region", TensorProto.FLOAT, shape)],
        [helper.make_tensor("threshold", TensorProto.FLOAT, [], [threshold])],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="lucidray.lab"
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def evaluate(model: bytes, cohort: Path) -> Scores:
    """Dice with the contoured tumour (GTV_Mass) on PET cropped 5 cm around it, 3 mm voxels.

    Raises
    ------
    Permanent
        The cohort is not there.
    """
    files = sorted(cohort.glob("STS_*.npz"))
    if not files:
        raise Permanent(
            "soft-tissue-sarcoma cohort", "it is not there", "set LUCIDRAY_DATA to the folder with the scans"
        )
    engine = OnnxRuntimeEngine(model, ServingSettings(threads=1))
    scores = Scores([], [], [])
    for file in files:
        with np.load(file) as patient:
            suv = patient["pet_suv_x20"].astype(np.float32) / np.float32(20)
            truth = patient["gtv"].astype(bool)
        inside = sliding_window(suv[None], lambda window: engine.run({"suv": window})["region"], PATCH)[0] >= 0.5
        scores.model.append(dice(_largest(inside), truth))
        scores.every_voxel.append(dice(inside, truth))
        scores.relative.append(dice(_largest(suv >= FRACTION * suv.max()), truth))
    return scores


def dice(one: Mask, other: Mask) -> float:
    """2 |A and B| / (|A| + |B|)."""
    return float(2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other)))


def _largest(mask: Mask) -> Mask:
    return np.equal(separate(mask, CONNECTIVITY, 1, 1).labels, 1)


def summary(subject: str, scores: Sequence[float]) -> dict[str, Any]:
    """Mean Dice with a 95 % percentile bootstrap interval over patients."""
    draws = np.random.default_rng(SEED).choice(np.array(scores), (BOOTSTRAP, len(scores))).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return {
        "subject": subject,
        "metric": "mean Dice",
        "value": round(float(np.mean(scores)), 3),
        "interval": [round(float(low), 3), round(float(high), 3)],
        "n": len(scores),
        "data": "TCIA Soft-tissue-Sarcoma, 5 cm around the tumour",
    }


def make_bundle(folder: Path, cohort: Path) -> Bundle:
    """Write the bundle into `folder`; the same cohort gives the same bytes."""
    model = make_model()
    scores = evaluate(model, cohort)
    evaluation = [
        summary("model", scores.model),
        summary("every voxel of SUV >= 2.5, without choosing a lesion", scores.every_voxel),
        summary("41 % of SUVmax, largest component", scores.relative),
    ]
    return write_bundle(folder, manifest(evaluation), {MODEL: model, CARD: card(evaluation).encode()})


def manifest(evaluation: list[dict[str, Any]]) -> dict[str, Any]:
    """`model.yaml`, but for the digests."""
    return {
        "name": NAME,
        "version": VERSION,
        "kind": "segmentation",
        "title": "FDG uptake of SUV 2.5 and more",
        "intended_use": {
            "statement": "Marks connected uptake of SUVbw >= 2.5 on FDG PET: a baseline, and a start for editing",
            "population": "Adults with an FDG-avid tumour outside organs of physiological uptake",
            "exclusions": [
                "tracers other than FDG",
                "regions with brain, heart, liver, kidneys, bladder or inflammation, which it marks as well",
            ],
            "status": "research use only",
            "limitations": "a threshold, not a trained model: it also marks physiological uptake",
        },
        "inputs": [
            {
                "role": "PET",
                "modality": "PT",
                "unit": UNIT,
                "spacing_limits": [[0.5, 10.0], [0.5, 10.0], [0.5, 10.0]],
                "corrections": ["ATTN", "DECY"],
            }
        ],
        "grid": {"role": "PET"},
        "inference": {
            "patch": list(PATCH),
            "overlap": 0.0,
            "blend": "constant",
            "only_where": {"role": "PET", "minimum": THRESHOLD},
        },
        "postprocessing": {
            "threshold": 0.5,
            "connectivity": CONNECTIVITY,
            "minimum_volume_ml": MINIMUM_ML,
            "maximum_lesions": MAXIMUM_LESIONS,
        },
        "outputs": [
            {
                "name": "region",
                "meaning": "Uptake SUV >= 2.5",
                "category": MORPHOLOGICALLY_ABNORMAL_STRUCTURE.model_dump(),
                "type": LESION.model_dump(),
            }
        ],
        "training": {"data": "none: a fixed rule", "n": 0},
        "evaluation": evaluation,
        "licence": "Apache-2.0",
    }


def card(evaluation: list[dict[str, Any]]) -> str:
    """`card.md`."""
    rows = "\n".join(
        f"| {row['subject']} | {row['value']:.3f} | {row['interval'][0]:.3f} to {row['interval'][1]:.3f} |"
        for row in evaluation
    )
    n = evaluation[0]["n"]
    return f"""# {NAME} {VERSION}

Marks every voxel of an FDG PET whose body-weight SUV is at least {THRESHOLD} g/ml, joins them into components
({CONNECTIVITY} neighbours), drops those under {MINIMUM_ML:g} ml and keeps the {MAXIMUM_LESIONS} largest.

**Nothing was trained.** The rule is written as an ONNX graph of two nodes, so that it passes through the same
engine and sliding window as a network. It is the baseline that a network has to beat, and a starting point for
editing by hand. Research use only.

## What it gets wrong
- Brain, heart, liver, kidneys, bladder, brown fat, inflammation: where their uptake is as high, it is marked as well.
- Tumours of low uptake are missed; necrotic centres are left out; borders follow the resolution of the scanner.
- SUV depends on weight, uptake time, glucose and reconstruction: another scanner gives the same tumour other borders.

## How good it is
Dice with the contour drawn by a person (GTV), TCIA Soft-tissue-Sarcoma, {n} patients, one PET/CT scanner model.
The images are cropped 5 cm around the tumour, which keeps most physiological uptake away: **expect less on
whole-body scans**, where it was not measured. Mean and 95 % bootstrap interval over patients:

| what | mean Dice | 95 % interval |
|---|---|---|
{rows}

Data: Vallieres et al. 2015, Phys Med Biol 60:5471; TCIA 10.7937/K9/TCIA.2015.7GO2GSKS (CC BY 3.0).
Made by `python -m lucidray.lab.pet_suv_threshold`.
"""


def main(arguments: Sequence[str]) -> int:
    """Make the bundle where the platform looks for it, or in the folder that is named."""
    folder = Path(arguments[0]) if arguments else BundleSettings().folders[0] / NAME
    data = Path(os.environ.get("LUCIDRAY_DATA", "../shared/data"))
    bundle = make_bundle(folder, data / "sts_cohort" / "iso3mm_ctpet")
    for row in bundle.manifest.evaluation:
        print(f"{row.subject}: {row.metric} {row.value} {row.interval}")
    print(f"{bundle.name} {bundle.version} {bundle.digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
