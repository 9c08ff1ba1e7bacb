"""Is the study the same patient's at the destination?"""

from collections.abc import Sequence

from pydicom import Dataset

from lucidray.core.errors import Refused
from lucidray.deliver.association import Connection, place
from lucidray.deliver.deliverable import Deliverable
from lucidray.deliver.settings import Destination
from lucidray.imaging.dicom import text, value


def check_patient(destination: Destination, connection: Connection, deliverables: Sequence[Deliverable]) -> bool:
    """Compare the patient module of each study with what the destination holds under its UID.

    Returns
    -------
    bool
        Whether the destination knows the studies. One that does not has nothing to contradict.

    Raises
    ------
    Refused
        It holds a study of another patient; names the differing attributes, not their values.
    Transient
        The query failed.
    """
    known = True
    studies = {text(one.header, "StudyInstanceUID"): one.header for one in deliverables}
    for uid, header in studies.items():
        matches = connection.find(_identifier(uid))
        known = known and bool(matches)
        differing = sorted({keyword for match in matches for keyword in differences(header, match)})
        if differing:
            raise Refused(
                place(destination),
                f"the study has other values of {', '.join(differing)} there",
                "reconcile the patient at source and destination, then retry the case from reidentify",
            )
    return known


def differences(ours: Dataset, theirs: Dataset) -> list[str]:
    """Attributes by which two patients differ.

    PatientID must be equal. PatientName and PatientBirthDate are compared where both have one:
    a node need not return them (PS3.4 table C.6-5). Names go by their alphabetic group without
    case, padding and empty trailing components, in which archives differ from each other.
    """
    pairs = {keyword: (text(ours, keyword), text(theirs, keyword)) for keyword in ("PatientID", "PatientBirthDate")}
    pairs["PatientName"] = (_name(ours), _name(theirs))
    return [
        keyword
        for keyword, (mine, other) in pairs.items()
        if mine != other and (keyword == "PatientID" or (mine and other))
    ]


def _identifier(study_instance_uid: str) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = study_instance_uid
    identifier.PatientID = ""
    identifier.PatientName = ""
    identifier.PatientBirthDate = ""
    return identifier


def _name(dataset: Dataset) -> str:
    alphabetic = str(value(dataset, "PatientName", "")).split("=")[0]
    return "^".join(part.strip() for part in alphabetic.split("^")).rstrip("^").casefold()
