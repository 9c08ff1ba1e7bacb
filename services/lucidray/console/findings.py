"""What of the findings a page shows, and how numbers read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lucidray.console.artifacts import Findings
from lucidray.console.charts import BarChart, Interval, contributions, interval
from lucidray.console.overlay import CaseImages, volume_ml
from lucidray.console.rendering import colour_of
from lucidray.contracts.results import Explanation, Feature, Features, Prediction

# (IBSI code, image modality role or "" for any, how it is called on the page, factor, unit)
_KEY_FIGURES = (
    ("84IY", "PET", "SUV max", "g/ml"),
    ("Q4LE", "PET", "SUV mean", "g/ml"),
    ("0F91", "PET", "SUV peak", "g/ml"),
    ("L0JK", "", "Longest diameter", "mm"),
    ("QCFX", "", "Sphericity", ""),
)
SHOWN_FEATURES = 400


def readable(value: float | None) -> str:
    """A number with about four digits."""
    if value is None or not math.isfinite(value):
        return "–"
    if value != 0 and not 1e-3 <= abs(value) < 1e6:  # noqa: PLR2004
        return f"{value:.3e}"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"  # noqa: PLR2004


@dataclass(frozen=True)
class Figure:
    """One number at the top of the page."""

    name: str
    value: str
    unit: str


@dataclass(frozen=True)
class Lesion:
    """One segment with its figures."""

    number: int
    label: str
    meaning: str
    algorithm: str
    colour: str
    figures: list[Figure]


def lesions(images: CaseImages | None, features: Features | None) -> list[Lesion]:
    """The segments and their key figures."""
    if images is None or images.regions is None:
        return []
    found = []
    for segment in images.regions.facts.segments:
        figures = [Figure("Volume", readable(volume_ml(images.regions, segment)), "ml")]
        figures += _key_figures(features, segment.number)
        algorithm = " ".join(filter(None, (segment.algorithm_name, segment.algorithm_version)))
        found.append(
            Lesion(
                segment.number,
                segment.label,
                segment.type.meaning,
                f"{segment.algorithm_type.lower()}, {algorithm}",
                "#{:02x}{:02x}{:02x}".format(*colour_of(segment.number)),
                figures,
            )
        )
    return found


def _key_figures(features: Features | None, segment: int) -> list[Figure]:
    figures = []
    for code, role, name, unit in _KEY_FIGURES:
        for feature in features.features if features else ():
            same_image = role in ("", feature.image_role)
            if same_image and (feature.ibsi_code, feature.segment, feature.filter) == (code, segment, ""):
                figures.append(Figure(name, readable(feature.value), unit))
                break
    return figures


@dataclass(frozen=True)
class FeatureFilter:
    """Which features a page lists."""

    text: str = ""
    role: str = ""
    family: str = ""

    def apply(self, features: Sequence[Feature]) -> list[Feature]:
        """The features that match."""
        words = self.text.lower().replace("_", " ").split()
        return [
            feature
            for feature in features
            if self.role in ("", feature.image_role)
            and self.family in ("", feature.family)
            and all(word in _searched(feature) for word in words)
        ]


def _searched(feature: Feature) -> str:
    words = (feature.name, feature.ibsi_code, feature.family, feature.filter)
    return " ".join(words).replace("_", " ").lower()


@dataclass(frozen=True)
class Forecast:
    """A prediction with its explanation, as they are drawn."""

    prediction: Prediction
    interval: Interval | None
    explanation: Explanation | None
    chart: BarChart | None


def forecasts(findings: Findings) -> list[Forecast]:
    """Every prediction beside the explanation of the same bundle and segment."""
    found = []
    for _, prediction in sorted(findings.predictions.items()):
        explanation = next(
            (
                each
                for _, each in sorted(findings.explanations.items())
                if (each.bundle_digest, each.segment) == (prediction.bundle_digest, prediction.segment)
            ),
            None,
        )
        chart = contributions(explanation) if explanation else None
        found.append(Forecast(prediction, interval(prediction), explanation, chart))
    return found
