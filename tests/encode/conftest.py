"""Small pseudonymous CT series in any orientation, and the findings of a made-up case on them."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom import DataElement, Dataset, FileMetaDataset, config
from pydicom.datadict import dictionary_VR
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from lucidray.contracts.catalogue import EXPLANATION, FEATURES, PREDICTION, REGIONS, SERIES, VOLUME
from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Concept, Regions, RegionsFacts, Segment, Volume, VolumeFacts
from lucidray.contracts.results import Contribution, DeletionCheck, Explanation, Feature, Features, Prediction
from lucidray.core.case import quality_flag
from lucidray.runtime.step import Artifact, CaseFacts

LESION = Concept(value="52988006", scheme="SCT", meaning="Lesion")
ABNORMAL = Concept(value="49755003", scheme="SCT", meaning="Morphologically Altered Structure")
AXIAL: tuple[Vector, Vector, Vector] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def make_grid(axes: tuple[Vector, Vector, Vector] = AXIAL, shape: tuple[int, int, int] = (9, 20, 24)) -> Grid:
    """A grid with three different spacings, so that no two axes can be confused."""
    return Grid(
        shape=shape,
        spacing=(3.0, 0.75, 1.25),
        origin=(-40.5, 22.25, -110.0),
        axes=axes,
        frame_of_reference_uid="2.25.11",
    )


def write_slice(grid: Grid, z: int, modality: str = "CT", **changes: Any) -> bytes:
    """One CT slice of a grid as a Part 10 file."""
    dataset = Dataset()
    position = np.array(grid.origin) + z * grid.spacing[0] * np.array(grid.axes[0])
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"2.25.100{z}"
    dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber = "20200105", "101500", ""
    dataset.Modality, dataset.Manufacturer = modality, "Virtual"
    dataset.ReferringPhysicianName = ""
    dataset.PatientName, dataset.PatientID = "PSEUDONYM^M\u00fcller", "P-0001"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.SliceThickness = 2.5
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.12", "2.25.13"
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "", 1, z + 1
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = grid.frame_of_reference_uid, ""
    dataset.ImagePositionPatient = [f"{value:.8g}" for value in position]
    dataset.ImageOrientationPatient = [f"{value:.8g}" for value in (*grid.axes[2], *grid.axes[1])]
    dataset.PixelSpacing = [grid.spacing[1], grid.spacing[2]]
    dataset.Rows, dataset.Columns = grid.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    dataset.PixelData = bytes(2 * dataset.Rows * dataset.Columns)
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:  # also what no scanner may write
            dataset.add(DataElement(keyword, dictionary_VR(keyword), value, validation_mode=config.IGNORE))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def make_volume(grid: Grid, modality: str = "CT") -> Volume:
    """An empty volume whose slices are those of `write_slice`."""
    facts = VolumeFacts(
        grid=grid,
        modality=modality,
        unit="[hnsf'U]",
        study_instance_uid="2.25.12",
        series_instance_uid="2.25.13",
        sop_class_uid=str(CTImageStorage),
        sop_instance_uids=[f"2.25.100{z}" for z in range(grid.shape[0])],
    )
    return Volume(np.zeros(grid.shape, np.int16), facts)


def make_segment(number: int, **changes: Any) -> Segment:
    """A lesion found by a bundle."""
    facts: dict[str, Any] = {
        "number": number,
        "label": f"Lesion {number}",
        "category": ABNORMAL,
        "type": LESION,
        "algorithm_type": "AUTOMATIC",
        "algorithm_name": "pet-suv-threshold",
        "algorithm_version": "1.0",
        "tracking_uid": f"2.25.200{number}",
        "tracking_id": f"lesion-{number}",
    }
    return Segment(**facts | changes)


def make_regions(grid: Grid) -> Regions:
    """Three segments: one asymmetric, one on the border of the volume, one in two far-apart slices."""
    labels = np.zeros(grid.shape, np.uint8)
    labels[2:5, 3:8, 4:6] = 1
    labels[4, 9, 4:17] = 1
    labels[:2, :3, -4:] = 2
    labels[3, 12:15, 15] = 3
    labels[-1, -2:, :5] = 3
    segments = [make_segment(1), make_segment(2), make_segment(3, algorithm_type="MANUAL", algorithm_name="RTSTRUCT")]
    return Regions(labels, RegionsFacts(grid=grid, source_role="CT", segments=segments))


def make_features() -> Features:
    """IBSI features of two segments in two images, among them equal names told apart only by modifiers."""
    values: list[tuple[str, str, str, str, str, float | None]] = [
        ("volume", "RNU0", "morphology", "HCUG", "", 1234.5678901234567),
        ("joint_entropy", "TU9B", "glcm", "LFYI", "ITBB", 3.3333333333333335),
        ("joint_entropy", "TU9B", "glcm", "LFYI", "IAZD", 3.25),
        ("mean", "Q4LE", "intensity_statistics", "UHIW", "", -1e-17),
        ("geary_s_c_measure", "NPT7", "morphology", "HCUG", "", None),
        ("a_feature_without_a_code_of_the_ibsi", "", "fractal", "", "", 1e22),
    ]
    features = [
        Feature(
            name=name,
            ibsi_code=code,
            family=family,
            family_code=family_code,
            aggregation=aggregation,
            discretisation="fixed_bin_size 25 HU" if aggregation else "",
            value=value if value is None else value * segment,
            unit="mm3" if code == "RNU0" else "1",
            image_role=role,
            segment=segment,
        )
        for segment in (1, 2)
        for role in ("CT", "PET")
        for name, code, family, family_code, aggregation, value in values
    ]
    return Features(preset="ibsi-1", preset_digest="ab" * 32, software="mirp 2.7.0", features=features)


def make_prediction(**changes: Any) -> Prediction:
    """A risk with its interval."""
    facts: dict[str, Any] = {
        "bundle": "sts-metastasis",
        "bundle_version": "0.1",
        "bundle_digest": "cd" * 32,
        "outcome": Concept(value="94391008", scheme="SCT", meaning="Metastatic malignant neoplasm to lung"),
        "outcome_text": "Lung metastasis within 2 years",
        "status": "predicted",
        "probability": 0.41,
        "interval": (0.22, 0.63),
        "interval_method": "bootstrap",
        "operating_point": "high risk (\u2265 0.4)",
        "segment": 1,
        "intended_use": "Soft-tissue sarcoma before treatment",
        "limitations": "Research use only; n=51",
    }
    return Prediction(**facts | changes)


def make_explanation() -> Explanation:
    """Contributions that add up."""
    return Explanation(
        bundle="sts-metastasis",
        bundle_digest="cd" * 32,
        method="linear contributions (exact)",
        base_logit=-0.5,
        logit=-0.364,
        contributions=[
            Contribution(name="volume", value=1234.5, contribution=-0.2),
            Contribution(name="SUVmax", value=9.5, contribution=0.336),
        ],
        additive_error=0.0,
        deletion=DeletionCheck(explained_area=0.31, random_area=0.4, passed=True),
        segment=1,
    )


CASE = CaseFacts(
    case_id="c0123",
    study_key="study",
    study_version=1,
    patient_key="patient",
    workflow="sarcoma-petct",
    quality=[quality_flag("harmonize", "assumed-weight", "The weight was assumed")],
)


def make_artifacts(grid: Grid | None = None, regions: Regions | None = None) -> list[Artifact[Any]]:
    """Everything that the encode step reads."""
    grid = grid or make_grid()
    return [
        Artifact(SERIES, [write_slice(grid, z) for z in reversed(range(grid.shape[0]))], "CT"),
        Artifact(VOLUME, make_volume(grid), "CT"),
        Artifact(VOLUME, make_volume(grid, "PT"), "PET"),
        Artifact(REGIONS, regions or make_regions(grid)),
        Artifact(FEATURES, make_features()),
        Artifact(PREDICTION, make_prediction()),
        Artifact(EXPLANATION, make_explanation()),
    ]


@pytest.fixture
def case() -> CaseFacts:
    return CASE


@pytest.fixture
def grid() -> Callable[..., Grid]:
    return make_grid


@pytest.fixture
def make_slice() -> Callable[..., bytes]:
    return write_slice


@pytest.fixture
def artifacts() -> Callable[..., list[Artifact[Any]]]:
    return make_artifacts
