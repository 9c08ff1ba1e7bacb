"""The step `deidentify`: a study as received in, the same objects without identity out."""

from collections.abc import Mapping, Sequence

from cryptography.x509 import Certificate
from pydicom import Dataset
from pydicom.tag import Tag

from lucidray.contracts.catalogue import SERIES, STEPS, STUDY
from lucidray.contracts.parameters import DeidentifyParameters
from lucidray.core import logging
from lucidray.core.errors import Permanent
from lucidray.core.identity import SiteKey
from lucidray.core.settings import CoreSettings
from lucidray.deidentify import dicomfile, gate, modules
from lucidray.deidentify.consent import check_consent
from lucidray.deidentify.elements import text_of
from lucidray.deidentify.encrypted import read_certificates, with_encrypted
from lucidray.deidentify.engine import Deidentifier, Replaced
from lucidray.deidentify.firsts import Place, firsts
from lucidray.deidentify.keyring import Keyring
from lucidray.deidentify.opened import open_keyring, open_vault
from lucidray.deidentify.pixels import PixelPolicy
from lucidray.deidentify.profile import load_profile
from lucidray.deidentify.pseudonyms import PseudonymKeys
from lucidray.deidentify.regionrules import RegionRule, our_rules
from lucidray.deidentify.rules import Rulebook
from lucidray.deidentify.settings import DeidentifySettings
from lucidray.deidentify.source import Source
from lucidray.deidentify.study import Identity, Study, anonymous, unreadable
from lucidray.deidentify.vault import RowKey, Vault, VaultRecord
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult

log = logging.get(__name__)


class Deidentify(Step[DeidentifyParameters]):
    """De-identifies the objects of a case and keeps in the vault what leads back."""

    spec = STEPS["deidentify"]
    parameters = DeidentifyParameters

    def __init__(
        self,
        site_key: SiteKey,
        vault: Vault,
        keyring: Keyring | None = None,
        recipients: Sequence[Certificate] = (),  # of the original identity, encrypted in every object
        regions: Sequence[RegionRule] = (),  # where devices write into pictures
    ) -> None:
        self._site_key, self._vault, self._recipients, self._regions = site_key, vault, recipients, regions
        self._keyring = keyring or Keyring([site_key])

    def run(self, case: CaseFacts, inputs: Inputs, parameters: DeidentifyParameters) -> StepResult:
        """De-identify every object, then write the vault, then give the objects.

        Raises
        ------
        Permanent
            An object cannot be read, or is about another patient or study.
        Refused
            An object may show identity in its pixels, or is of a kind that is not let in, or the patient opted out.
        """
        rules = Rulebook(load_profile(parameters.profile))
        files = {role: inputs.read(STUDY, role) for role in inputs.roles(STUDY)}
        with dicomfile.quietly():
            first = self._primary(files, parameters.primary)
            identity = Identity.of(first)
            keys = self._admit(case, identity)
            patient = identity.pseudonym(keys)
            replaced = Replaced()
            looked_at = firsts(_place(data) for objects in files.values() for data in objects)
            pixels = PixelPolicy(parameters.pixels == "clean", self._regions, rules.profile.heads == "stay", looked_at)
            study = Study(self._site_key, identity, Deidentifier(patient, keys, rules, replaced), pixels)
            series = {
                role: [self._clean(study, data, f"role '{role}'") for data in objects]
                for role, objects in files.items()
            }
            kept_modules = modules.extract(first)
        shifts = "retain_longitudinal_modified_dates" in rules.profile.options
        replaced.texts[patient.patient_id] = identity.patient_id
        record = VaultRecord.of(replaced.uids, replaced.texts, patient.shift_days if shifts else 0, kept_modules)
        self._vault.write(RowKey(case.case_id, case.study_key, case.patient_key), record)
        count = sum(map(len, series.values()))
        log.info("deidentified", case_id=case.case_id, objects=count, uids=len(replaced.uids))
        return StepResult(
            [Artifact(SERIES, objects, role) for role, objects in series.items()],
            summary={"profile": rules.profile.name, "objects": str(count), "labelled texts": str(len(replaced.labels))},
        )

    def _clean(self, study: Study, data: bytes, place: str) -> bytes:
        clean = study.clean(data, place).to_bytes()
        return with_encrypted(clean, dicomfile.read(data), self._recipients) if self._recipients else clean

    def _admit(self, case: CaseFacts, identity: Identity) -> PseudonymKeys:
        """The pseudonym keys of a patient who did not opt out."""
        patient_keys = identity.keys(self._site_key)
        check_consent(self._vault, [case.patient_key, *patient_keys], case.workflow, case.case_id)
        version = self._vault.pin(patient_keys[0], self._keyring.newest)
        if case.patient_key != patient_keys[0]:
            self._vault.pin(case.patient_key, version)  # whose cases there are, there is a row of
        return self._keyring.version(version)

    def _primary(self, files: Mapping[str, list[bytes]], wanted: str) -> Dataset:
        """The object whose patient and study modules stand for the case."""
        candidates = [role for role in sorted(files) if files[role] and wanted in ("", role)]
        if not candidates:
            raise Permanent(
                f"role '{wanted}'" if wanted else "the case",
                "there is no object in it",
                "correct the parameter 'primary' or the inputs of the workflow",
            )
        firsts = [self._read(role, files[role][0]) for role in candidates]
        images = [first for first in firsts if text_of(first, Tag("SOPClassUID")) in gate.IMAGE_CLASSES]
        return (images or firsts)[0]

    def _read(self, role: str, data: bytes) -> Dataset:
        try:
            return Source.of(data).header()
        except Exception as error:
            raise unreadable(anonymous(data, f"role '{role}'"), error) from None


def _place(data: bytes) -> Place | None:
    try:
        return Place.of(Source.of(data).header())
    except Exception:  # told with its reason when it is cleaned
        return None


def build() -> Deidentify:
    """The step by this process's settings."""
    settings = DeidentifySettings.load()
    return Deidentify(
        CoreSettings.load().site_key(),
        open_vault("deidentify"),
        open_keyring(),
        read_certificates(settings.encrypt_for),
        our_rules(),
    )
