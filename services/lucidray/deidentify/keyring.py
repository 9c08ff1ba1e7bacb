"""The pseudonym keys by version.

A patient keeps the version under which the vault first met them, whatever is newest: pseudonyms are never made
anew, for studies, series and dates of one patient must go on fitting each other.
"""

from collections.abc import Sequence

from lucidray.core.errors import Permanent
from lucidray.core.identity import SiteKey
from lucidray.deidentify.pseudonyms import PseudonymKeys


class Keyring:
    """The keys of all versions.

    Parameters
    ----------
    secrets
        By version, from 1 on. The first is the site key; later ones come from a file to which lines are only added.
    """

    def __init__(self, secrets: Sequence[SiteKey]) -> None:
        self._secrets = list(secrets)

    @property
    def newest(self) -> int:
        """The version for patients who are new."""
        return len(self._secrets)

    def version(self, version: int) -> PseudonymKeys:
        """The keys of one version.

        Raises
        ------
        Permanent
            It is not there.
        """
        if not 1 <= version <= self.newest:
            raise Permanent(
                f"pseudonym key of version {version}",
                f"a patient is pinned to it, and there are only {self.newest}",
                "put its line back into deidentify.pseudonym_key_file, in its place",
            )
        return PseudonymKeys(self._secrets[version - 1], version)
