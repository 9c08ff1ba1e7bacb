"""Makes the bundle `sts-metastasis`: lung metastasis of soft-tissue sarcoma from FDG-PET features.

    python -m lucidray.lab.sts_metastasis [FOLDER]

Measures the cohort of LUCIDRAY_DATA with the preset and the code that serve the model; without the images it
starts from the feature table that lies in the bundle. The inputs were named before the first fit and none was
tried and dropped: see the card.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lucidray.core.errors import Permanent
from lucidray.imaging.suv import UNIT
from lucidray.lab import evaluation, logistic
from lucidray.lab.cohort import data_folder, feature_table
from lucidray.lab.table import Floats, Table, read_table
from lucidray.quantify.preset import load_preset
from lucidray.serving.bundle import CARD, MODEL, Bundle, write_bundle
from lucidray.serving.manifest import FeatureInput
from lucidray.serving.settings import BundleSettings

NAME = "sts-metastasis"
VERSION = "1.0.0"
PRESET = "pet-ct-core"
HELD_OUT = "STS_006"  # the demonstration patient: in no table, no fit and no figure
TABLE = "training.csv"
OUTCOME = "lung_metastasis"
SEED = 20264
DRAWS = 500  # bootstrap models behind the interval
OUTSIDE = 0.99  # share of further cases of the training distribution that the gate lets pass

# Prognostic in the literature: SUVmax and heterogeneity of uptake in sarcoma (Eary 2008), tumour size (a staging
# criterion), asphericity of uptake (Apostolova 2014).
INPUTS = [
    FeatureInput(name="SUVmax", feature="maximum_intensity", ibsi_code="84IY", image_role="PET", unit=UNIT),
    FeatureInput(
        name="Maximum 3D diameter", feature="maximum_3d_diameter", ibsi_code="L0JK", image_role="PET", unit="mm"
    ),
    FeatureInput(name="Asphericity", feature="asphericity", ibsi_code="25C7", image_role="PET"),
    FeatureInput(name="GLCM joint entropy", feature="joint_entropy", ibsi_code="TU9B", image_role="PET"),
]
# Measured beside them as a simple baseline, not an input.
VOLUME = FeatureInput(name="Volume", feature="volume_mesh", ibsi_code="RNU0", image_role="PET", unit="mm3")

DATA = "TCIA Soft-tissue-Sarcoma (Vallieres 2015, doi:10.7937/K9/TCIA.2015.7GO2GSKS, CC BY 3.0)"


@dataclass(frozen=True)
class Scores:
    """How well the model and the baselines told patients apart; each in all training patients."""

    rows: list[dict[str, Any]]
    out_of_sample: Floats  # leave-one-out probabilities

    def value(self, subject: str, metric: str) -> float:
        """One figure."""
        return next(float(row["value"]) for row in self.rows if (row["subject"], row["metric"]) == (subject, metric))


def read_or_measure(folder: Path) -> Table:
    """The feature table: measured where the images are, else the one in the bundle."""
    try:
        images = data_folder()
    except Permanent:
        return read_table(folder / TABLE)
    table = feature_table(images, load_preset(PRESET), [*INPUTS, VOLUME], [HELD_OUT])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).write_text(table.text(OUTCOME), "utf-8")
    return read_table(folder / TABLE)  # the rounded values: the table alone must give the same model


def evaluate(table: Table) -> Scores:
    """Cross-validated figures of the model beside SUVmax and volume, which need no fit."""
    values, outcome = table.values[:, : len(INPUTS)], table.outcome
    out_of_sample = evaluation.leave_one_out(values, outcome)
    suv, volume = table.column("SUVmax"), table.column("Volume")
    difference = evaluation.auc(out_of_sample, outcome) - evaluation.auc(suv, outcome)
    folds = evaluation.repeated_folds(values, outcome, SEED)
    rows = [
        _row(table, "model", "AUC, leave-one-out", evaluation.auc(out_of_sample, outcome))
        | _between(evaluation.auc_interval(out_of_sample, outcome, SEED)),
        _row(table, "model", "AUC, mean of 50 x 5-fold cross-validation", float(np.mean(folds))),
        _row(table, "SUVmax alone", "AUC", evaluation.auc(suv, outcome))
        | _between(evaluation.auc_interval(suv, outcome, SEED)),
        _row(table, "volume alone", "AUC", evaluation.auc(volume, outcome))
        | _between(evaluation.auc_interval(volume, outcome, SEED)),
        _row(table, "model minus SUVmax alone", "difference of AUC", difference)
        | _between(evaluation.auc_difference_interval(out_of_sample, suv, outcome, SEED)),
    ]
    return Scores(rows, out_of_sample)


def make_bundle(folder: Path, table: Table) -> Bundle:
    """Write the bundle into `folder`; the same table gives the same bytes."""
    values, outcome = table.values[:, : len(INPUTS)], table.outcome
    model = logistic.settled(logistic.fit(values, outcome))
    network = logistic.to_onnx(model, logistic.bootstrap(values, outcome, DRAWS, SEED), values)
    scores = evaluate(table)
    content = manifest(table, scores)
    content["linear"] = logistic.linear_section(model).model_dump()
    files = {MODEL: network, CARD: card(table, scores).encode(), TABLE: table.text(OUTCOME).encode()}
    return write_bundle(folder, content, files)


def manifest(table: Table, scores: Scores) -> dict[str, Any]:
    """`model.yaml`, but for the coefficients and the digests."""
    values, count, events = table.values[:, : len(INPUTS)], len(table.patients), int(table.outcome.sum())
    threshold = round(events / count, 2)
    above = scores.out_of_sample >= threshold
    return {
        "name": NAME,
        "version": VERSION,
        "kind": "tabular",
        "title": "Lung metastasis of soft-tissue sarcoma",
        "intended_use": {
            "statement": "Estimates the probability of lung metastasis of a soft-tissue sarcoma of the extremities "
            "from one FDG-PET before treatment; a demonstration, not for care",
            "population": "Adults and adolescents with histologically proven soft-tissue sarcoma of the extremities, "
            "FDG-PET/CT before treatment, gross tumour volume contoured",
            "exclusions": ["metastases at diagnosis", "other tumours", "PET after treatment", "tracers other than FDG"],
            "status": "research use only",
            "limitations": f"research use only; n={count}, {events} events, one PET/CT scanner model; "
            "no added value over SUVmax alone was shown",
        },
        "inputs": [
            {
                "role": "PET",
                "modality": "PT",
                "unit": UNIT,
                # Trained at 3.27 mm and 3.9 to 5.5 mm; what lies near is resampled to the same 3 mm grid.
                "spacing_limits": [[2.0, 5.0], [2.0, 6.0], [2.0, 6.0]],
            }
        ],
        "features": [_feature(each, values[:, index]) for index, each in enumerate(INPUTS)],
        "preset": {"name": PRESET, "digest": load_preset(PRESET).digest},
        "segments": "largest",
        "outputs": [
            {
                "name": logistic.PROBABILITIES,
                "index": 1,
                "meaning": "Lung metastasis during follow-up",
                "concept": {"value": "94391008", "scheme": "SCT", "meaning": "Pulmonary metastasis"},
            }
        ],
        "operating_points": [
            {
                "name": "more likely than the average training patient",
                "threshold": threshold,
                "sensitivity": round(float(above[table.outcome].mean()), 3),
                "specificity": round(float((~above[~table.outcome]).mean()), 3),
            }
        ],
        "calibration": {
            "method": "none: the penalised likelihood's own probabilities",
            "brier": round(evaluation.brier(scores.out_of_sample, table.outcome), 3),
            "remark": "leave-one-out; too few patients to judge calibration",
        },
        "interval": {"method": f"percentiles of {DRAWS} bootstrap models", "output": logistic.DRAWS, "level": 0.95},
        "out_of_distribution": logistic.out_of_distribution(values, OUTSIDE).model_dump(),
        "explanations": [{"method": "linear contributions (exact)"}],
        "training": {
            "data": DATA,
            "n": count,
            "events": events,
            "scanners": ["GE Discovery ST"],
            "splits": f"no test set; leave-one-out and repeated 5-fold cross-validation; {HELD_OUT} held out",
        },
        "evaluation": scores.rows,
        "licence": "Apache-2.0 AND CC-BY-3.0",
    }


def card(table: Table, scores: Scores) -> str:
    """`card.md`."""
    count, events = len(table.patients), int(table.outcome.sum())
    rows = "\n".join(
        f"| {row['subject']} | {row['metric']} | {row['value']:.3f} | {_shown(row.get('interval'))} |"
        for row in scores.rows
    )
    model = scores.value("model", "AUC, leave-one-out")
    suv = scores.value("SUVmax alone", "AUC")
    verdict = "does not exceed" if model <= suv else "exceeds, within chance,"
    return f"""# {NAME} {VERSION}

Probability that a soft-tissue sarcoma of the extremities metastasises to the lung, from four features of the
FDG-PET before treatment. **Research use only. It shows how a model travels through the platform; nobody should be
treated by it.**

## No added value over SUVmax was shown
In cross-validation the model's AUC is {model:.2f}; SUVmax alone, without any fit, has {suv:.2f}: the model
{verdict} that single number. Who wants a risk estimate from these images should read SUVmax.

| what | figure | value | 95 % interval |
|---|---|---|---|
{rows}

Intervals are percentile bootstraps over patients. Leave-one-out is pessimistic for weak scores and 50 x 5-fold
cross-validation fits on fewer patients; SUVmax and volume are ranked as they are and pay neither price.

## How it was made
- {count} patients with {events} events: the cohort has 51 with 19, and {HELD_OUT} (an event) is held out of everything,
  because it is the demonstration patient.
- Inputs, named before the first fit, none tried and dropped: SUVmax (84IY) on the native grid; maximum 3D diameter
  (L0JK), asphericity (25C7) and GLCM joint entropy (TU9B, 0.5 SUV bins, 3D merged) at 3 mm isotropic.
  Preset `{PRESET}`.
- Chosen from: Eary et al. 2008, J Nucl Med 49:1973 (SUVmax and heterogeneity in sarcoma); Vallieres et al. 2015;
  Apostolova et al. 2014, Eur Radiol 24:2077 (asphericity); size is a staging criterion.
- That choice is not independent of these patients: the cohort is that of Vallieres et al., who had already found
  SUVmax prognostic in it. The figures of SUVmax, and of a model that contains it, are to that extent flattering.
- Standardised, logistic regression with L2 penalty, C = {logistic.PENALTY:g}, fixed beforehand. Nothing was tuned.
- Features were measured on the native PET of the cohort with the code that serves the model. `{TABLE}` holds them;
  without the images the bundle is made again from it.
- Interval of a prediction: middle 95 % of {DRAWS} models, each fitted to a bootstrap sample of the patients. It says
  how much the estimate depends on who was in the training data, not how wrong it may be elsewhere.

## When it gives no answer
- PET not in SUV by body weight, voxels outside 2 to 5 mm (slices) or 2 to 6 mm (in plane), another preset,
  an undefined feature, no region.
- Inputs unlike the training data: squared Mahalanobis distance above the {OUTSIDE:.0%} limit of Hotelling's T squared.

## What is wrong with it
- {events} events for four inputs is few: every figure has an interval about a quarter of an AUC wide or wider.
- One scanner model (GE Discovery ST), one institution, contours by one team; not validated anywhere else.
- The outcome has no fixed horizon: "during follow-up", which differs between patients.
- SUVmax and joint entropy are correlated (r about {_correlation(table):.1f}): how the penalty splits their weight
  between them is not biology. Read their contributions together.

## Data and licence
`{TABLE}` is derived from the TCIA collection Soft-tissue-Sarcoma, **CC BY 3.0**: features computed, outcome recoded.
Please cite Vallieres M, Freeman CR, Skamene SR, El Naqa I, 2015, Phys Med Biol 60:5471,
doi:10.1088/0031-9155/60/14/5471; the data set, doi:10.7937/K9/TCIA.2015.7GO2GSKS; Clark K et al. 2013,
J Digit Imaging 26:1045 (TCIA); and Zwanenburg A et al. 2020, Radiology 295:328 (IBSI, whose preparation of the
images was used). The model is Apache-2.0.
Made by `python -m lucidray.lab.sts_metastasis`.
"""


def _feature(wanted: FeatureInput, values: Floats) -> dict[str, Any]:
    low, high = (float(f"{each:.4g}") for each in np.quantile(values, [0.05, 0.95]))
    mean = float(logistic.round_significant(values.mean()))
    return wanted.model_dump(exclude_none=True) | {"mean": mean, "reference": [low, high]}


def _row(table: Table, subject: str, metric: str, value: float) -> dict[str, Any]:
    return {"subject": subject, "metric": metric, "value": round(value, 3), "n": len(table.patients), "data": DATA}


def _between(interval: tuple[float, float]) -> dict[str, Any]:
    return {"interval": [round(each, 3) for each in interval]}


def _shown(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def _correlation(table: Table) -> float:
    return float(np.corrcoef(table.column("SUVmax"), table.column("GLCM joint entropy"))[0, 1])


def main(arguments: Sequence[str]) -> int:
    """Make the bundle where the platform looks for it, or in the folder that is named."""
    folder = Path(arguments[0]) if arguments else BundleSettings().folders[0] / NAME
    bundle = make_bundle(folder, read_or_measure(folder))
    for row in bundle.manifest.evaluation:
        print(f"{row.subject}: {row.metric} {row.value} {row.interval or ''}")
    print(f"{bundle.name} {bundle.version} {bundle.digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
