"""The contracts by name, and the steps that read and write them.

The one place that dispatch and the steps share: dispatch pins the algorithm version of a step
when it opens a case, the step's worker checks it.
"""

from dataclasses import dataclass
from typing import Any

from lucidray.contracts.base import Contract, Document
from lucidray.contracts.clinical import ClinicalVariables
from lucidray.contracts.images import DicomFiles, RegionsContract, VolumeContract
from lucidray.contracts.results import Explanation, Features, Prediction, Receipts
from lucidray.contracts.scanner import ScannerRecord
from lucidray.v1.case_pb2 import Zone

STUDY = DicomFiles("study")  # clinical: the selected objects as received, one artifact per role
SERIES = DicomFiles("series")  # de-identified objects, one artifact per role
VOLUME = VolumeContract("volume")  # one per image role
SCANNER = Document("scanner", ScannerRecord)  # one per image role: the batches of harmonisation, the strata of drift
REGIONS = RegionsContract("regions")
FEATURES = Document("features", Features)
VARIABLES = Document("variables", ClinicalVariables)  # of the patient, by DICOM; a hospital's own step adds roles
PREDICTION = Document("prediction", Prediction)
EXPLANATION = Document("explanation", Explanation)
RESULTS = DicomFiles("results")  # pseudonymous SEG and SR; role names the kind: "SEG", "SR"
FORMER = DicomFiles("former")  # the RESULTS of the case that this one replaces, where there is one; same roles
DELIVERABLES = DicomFiles("deliverables")  # clinical: the same under the patient's own identity, same roles
RECEIPTS = Document("receipts", Receipts)

CLINICAL = Zone.ZONE_CLINICAL
ANALYSIS = Zone.ZONE_ANALYSIS


@dataclass(frozen=True)
class StepSpec:
    """What the rest of the house knows of a step."""

    name: str
    zone: Zone  # where its outputs lie
    algorithm_version: str  # raise it when equal inputs give other outputs
    reads: tuple[Contract[Any], ...]
    writes: tuple[Contract[Any], ...]


# Not a step of a worker: dispatch commits the selected objects under this name when it opens a case.
SELECT = StepSpec("select", CLINICAL, "1", (), (STUDY,))

STEPS: dict[str, StepSpec] = {
    spec.name: spec
    for spec in (
        StepSpec("deidentify", ANALYSIS, "3", (STUDY,), (SERIES,)),
        StepSpec("harmonize", ANALYSIS, "3", (SERIES,), (VOLUME, SCANNER, VARIABLES)),
        StepSpec("segment", ANALYSIS, "1", (SERIES, VOLUME), (REGIONS,)),
        StepSpec("quantify", ANALYSIS, "2", (VOLUME, REGIONS), (FEATURES,)),
        StepSpec("predict", ANALYSIS, "2", (VOLUME, REGIONS, FEATURES, VARIABLES), (PREDICTION,)),
        StepSpec("explain", ANALYSIS, "1", (FEATURES, PREDICTION), (EXPLANATION,)),
        StepSpec(
            "encode",
            ANALYSIS,
            "2",
            (SERIES, VOLUME, REGIONS, FEATURES, PREDICTION, EXPLANATION, FORMER),
            (RESULTS,),
        ),
        StepSpec("reidentify", CLINICAL, "1", (RESULTS, FORMER), (DELIVERABLES,)),
        StepSpec("deliver", CLINICAL, "1", (DELIVERABLES,), (RECEIPTS,)),
    )
}
