"""How robust each feature is: a table."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.contracts.results import Feature
from lucidray.lab.features.tables import AGGREGATIONS, column
from lucidray.lab.robustness.icc import FORMS, Agreement, Form, agreement
from lucidray.lab.robustness.study import Repeated

# Koo and Li 2016, J Chiropr Med 15:155, judged by the lower confidence limit.
_LEAST = {"excellent": 0.9, "good": 0.75, "moderate": 0.5, "poor": -np.inf}
UNDEFINED = "undefined"
CLASSES = (*_LEAST, UNDEFINED)
_DIGITS = 6  # significant ones


@dataclass(frozen=True)
class Robustness:
    """One feature."""

    column: str
    feature: Feature  # as it was measured first: its name, code, image, ...
    agreement: Agreement
    variation: float | None  # within-subject coefficient of variation; None where the mean is zero or undefined

    def verdict(self, form: Form) -> str:
        """One of `CLASSES`."""
        estimate = self.agreement.icc.get(form)
        return UNDEFINED if estimate is None else next(name for name, least in _LEAST.items() if estimate.low >= least)


def robustness(lesions: Sequence[Repeated]) -> list[Robustness]:
    """Of every feature, in the order of the preset; lesions that failed are left out.

    A lesion with fewer measurements than the others (a reader missed it) counts in no coefficient.
    """
    measured = [each for each in lesions if each.measurements]
    if not measured:
        return []
    rows = [[_by_column(features) for features in lesion.measurements] for lesion in measured]
    first: dict[str, Feature] = {}
    for lesion in rows:
        for measurement in lesion:
            for name, feature in measurement.items():
                first.setdefault(name, feature)
    repeats = max(len(lesion) for lesion in rows)
    found = []
    for name, feature in first.items():
        values = np.full((len(rows), repeats), np.nan)
        for at, lesion in enumerate(rows):
            for repeat, measurement in enumerate(lesion):
                value = measurement[name].value if name in measurement else None
                values[at, repeat] = np.nan if value is None else value
        found.append(Robustness(name, feature, agreement(values), _variation(values)))
    return found


def to_csv(rows: Sequence[Robustness], form: Form) -> str:
    """One feature a line; `form` is the coefficient that decides its class."""
    buffer = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        cells = _cells(row, form)
        if writer is None:
            writer = csv.DictWriter(buffer, list(cells), lineterminator="\n")
            writer.writeheader()
        writer.writerow(cells)
    return buffer.getvalue()


def _by_column(features: Sequence[Feature]) -> Mapping[str, Feature]:
    return {column(feature): feature for feature in features}


def _variation(values: npt.NDArray[np.float64]) -> float | None:
    """Root mean within-subject variance over the absolute mean, of the subjects with two measurements or more."""
    complete = values[np.isfinite(values).all(axis=1)]
    if not len(complete) or values.shape[1] < 2 or complete.mean() == 0:  # noqa: PLR2004
        return None
    return float(np.sqrt(complete.var(axis=1, ddof=1).mean()) / abs(complete.mean()))


def _cells(row: Robustness, form: Form) -> dict[str, str]:
    feature, found = row.feature, row.agreement
    cells = {
        "column": row.column,
        "image": feature.image_role,
        "filter": feature.filter,
        "family": feature.family,
        "code": feature.ibsi_code,
        "name": feature.name,
        "aggregation": AGGREGATIONS.get(feature.aggregation, ""),
        "subjects": str(found.subjects),
        "measurements": str(found.measurements),
    }
    for form in FORMS:
        estimate, name = found.icc.get(form), f"icc_{form.replace(',', '_')}"
        values = (estimate.value, estimate.low, estimate.high) if estimate else (None, None, None)
        parts = zip((name, f"{name}_low", f"{name}_high"), values, strict=True)
        cells |= {key: "" if value is None else f"{value:.{_DIGITS}g}" for key, value in parts}
    return cells | {
        "variation": "" if row.variation is None else f"{row.variation:.{_DIGITS}g}",
        "class": row.verdict(form),
        "reason": found.reason,
    }
