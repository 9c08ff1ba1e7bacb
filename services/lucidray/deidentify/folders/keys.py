"""Under which keys a folder is de-identified: the site's, with a vault that leads back, or ones that are forgotten."""

from typing import Protocol

from lucidray.core.errors import Refused
from lucidray.core.identity import SiteKey, new_site_key
from lucidray.core.settings import CoreSettings
from lucidray.deidentify.consent import check_consent
from lucidray.deidentify.keyring import Keyring
from lucidray.deidentify.opened import open_keyring, open_vault
from lucidray.deidentify.pseudonyms import PseudonymKeys
from lucidray.deidentify.study import Identity
from lucidray.deidentify.vault import RowKey, Vault, VaultRecord
from lucidray.deidentify.vaulttables import RECORDS

WORKFLOW = "export"  # by which the opt-out register knows folders


class Keys(Protocol):
    """Gives the keys of a patient, and keeps what leads back."""

    site_key: SiteKey

    def admit(self, identity: Identity) -> PseudonymKeys:
        """The keys of the patient of a study.

        Raises
        ------
        Refused
            The patient opted out.
        """
        ...

    def keep(self, identity: Identity, study_instance_uid: str, record: VaultRecord) -> None:
        """Keep the way back of a study, by its pseudonymous UID; durable on return.

        Raises
        ------
        Refused
            It would destroy the way back of an earlier export.
        """
        ...


class Forgotten:
    """Fresh keys that nobody keeps: there is no way back, and nothing to set up."""

    def __init__(self) -> None:
        self.site_key = SiteKey(new_site_key())
        self._keys = PseudonymKeys(self.site_key)

    def admit(self, identity: Identity) -> PseudonymKeys:
        return self._keys

    def keep(self, identity: Identity, study_instance_uid: str, record: VaultRecord) -> None:
        pass


class Kept:
    """The site's keys and its vault: pseudonyms are those of the steps, and results find their way back."""

    def __init__(self, site_key: SiteKey, keyring: Keyring, vault: Vault) -> None:
        self.site_key, self._keyring, self.vault = site_key, keyring, vault

    def admit(self, identity: Identity) -> PseudonymKeys:
        patient_keys = identity.keys(self.site_key)
        check_consent(self.vault, patient_keys, WORKFLOW, WORKFLOW)
        return self._keyring.version(self.vault.pin(patient_keys[0], self._keyring.newest))

    def keep(self, identity: Identity, study_instance_uid: str, record: VaultRecord) -> None:
        study_key, patient_key = self.site_key.study(identity.study_instance_uid), identity.keys(self.site_key)[0]
        row = RowKey(self._case_id(study_instance_uid), study_key, patient_key)
        former = self._stored(row.case_id) or row  # of a patient whose issuer was named then, or is now
        if former.study_key != study_key:
            raise Refused(
                "a study",
                "it was de-identified here before, and the vault keeps the way back to its original",
                "export the original, or this without --vault",
            )
        self.vault.write(former, record, join=True)

    def row_of(self, study_instance_uid: str) -> RowKey:
        """Where the way back of a study lies, by its pseudonymous UID.

        Raises
        ------
        Refused
            The vault has none.
        """
        case_id = self._case_id(study_instance_uid)
        row = self._stored(case_id)
        if row is None:
            raise Refused(
                "a study",
                "the vault holds no folder of it",
                "restore results of folders that were written with --vault",
            )
        return row

    def _stored(self, case_id: str) -> RowKey | None:
        with self.vault.begin() as connection:
            row = connection.execute(RECORDS.select().where(RECORDS.c.case_id == case_id)).one_or_none()
            self.vault.log.add(connection, "find", case_id, "found" if row else "nothing")
        return RowKey(case_id, row.study_key, row.patient_key) if row else None

    def _case_id(self, study_instance_uid: str) -> str:
        return f"{WORKFLOW}-{self.site_key.opaque(WORKFLOW, study_instance_uid)}"


def kept_keys() -> Kept:
    """The site's keys and its vault, by this process's settings.

    Raises
    ------
    Permanent
        A key is missing or weak.
    """
    return Kept(CoreSettings.load().site_key(), open_keyring(), open_vault(WORKFLOW))
