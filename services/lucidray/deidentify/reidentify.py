"""The step `reidentify`: results on pseudonymous objects in, the same under the patient's own identity out."""

from pydicom import Dataset

from lucidray.contracts.catalogue import DELIVERABLES, FORMER, RESULTS, STEPS
from lucidray.contracts.parameters import ReidentifyParameters
from lucidray.core import logging
from lucidray.core.errors import Permanent, Refused
from lucidray.core.identity import SiteKey
from lucidray.core.settings import CoreSettings
from lucidray.deidentify import dicomfile, modules
from lucidray.deidentify.consent import check_consent
from lucidray.deidentify.opened import open_vault
from lucidray.deidentify.restore import Restorer, Unchecked, UnknownReference, own_uids
from lucidray.deidentify.study import Identity
from lucidray.deidentify.vault import RowKey, Vault
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult

log = logging.get(__name__)


class Reidentify(Step[ReidentifyParameters]):
    """Restores UIDs, dates, patient and study of the results of a case from the vault."""

    spec = STEPS["reidentify"]
    parameters = ReidentifyParameters

    def __init__(self, site_key: SiteKey, vault: Vault) -> None:
        self._site_key, self._vault = site_key, vault

    def run(self, case: CaseFacts, inputs: Inputs, parameters: ReidentifyParameters) -> StepResult:
        """Restore every result, or none.

        Raises
        ------
        Refused
            A result refers to something that the vault does not know, the vault knows nothing of the case, or the
            patient has opted out meanwhile.
        Permanent
            A result cannot be read, or the vault's row does not open.
        """
        files = {role: inputs.read(RESULTS, role) for role in inputs.roles(RESULTS)}
        with dicomfile.quietly():
            results = {
                role: [_read(_name(number, role), data) for number, data in enumerate(objects)]
                for role, objects in files.items()
            }
            replaced = [data for role in inputs.roles(FORMER) for data in inputs.read(FORMER, role)]
            former = [_read("former result", data) for data in replaced]
            own = own_uids([*former, *(dataset for objects in results.values() for dataset in objects)])
            record = self._vault.read(RowKey(case.case_id, case.study_key, case.patient_key))
            identity = Identity.of(modules.parse(record.module_bytes()))
            patient_keys = [case.patient_key, *identity.keys(self._site_key)]
            check_consent(self._vault, patient_keys, case.workflow, case.case_id)
            restorer = Restorer(record, own)
            delivered = {
                role: [_restore(restorer, dataset, _name(number, role)) for number, dataset in enumerate(objects)]
                for role, objects in results.items()
            }
        count = sum(map(len, delivered.values()))
        log.info("reidentified", case_id=case.case_id, objects=count)
        return StepResult(
            [Artifact(DELIVERABLES, objects, role) for role, objects in delivered.items()],
            summary={"objects": str(count)},
        )


def _name(number: int, role: str) -> str:
    return f"result {number} of role '{role}'" if role else f"result {number}"  # of a folder, which has no roles


def _read(thing: str, data: bytes) -> Dataset:
    try:
        return dicomfile.read(data)
    except Exception as error:
        raise _unreadable(thing, error) from None


def _restore(restorer: Restorer, dataset: Dataset, thing: str) -> bytes:
    try:
        study = str(dataset.StudyInstanceUID)
        if study not in restorer.record.uids:
            raise UnknownReference("(0020,000D)")
        syntax = dicomfile.transfer_syntax(dataset)
        restored = restorer.restore(dataset)
        return dicomfile.write(restored, syntax, str(restored.SOPClassUID), str(restored.SOPInstanceUID))
    except Unchecked as error:
        raise Refused(
            thing,
            f"attribute {error.attribute} is of unknown representation and could hold a pseudonym",
            "let the step that wrote it leave this attribute out",
        ) from None
    except UnknownReference as error:
        raise Refused(
            thing,
            f"a UID in attribute {error.attribute} is neither known to the vault, nor standard, nor a result's own",
            "look for the step that brought in an object of another case; recompute from there",
        ) from None
    except Exception as error:
        raise _unreadable(thing, error) from None


def _unreadable(thing: str, error: Exception) -> Permanent:
    return Permanent(
        thing,
        f"it cannot be read as DICOM ({type(error).__name__})",
        "recompute the step that wrote it: `lucidray case retry --recompute`",
    )


def build() -> Reidentify:
    """The step by this process's settings."""
    return Reidentify(CoreSettings.load().site_key(), open_vault("reidentify"))
