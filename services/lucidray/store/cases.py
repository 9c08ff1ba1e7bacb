"""A case in an object store: its blobs, the manifests that its steps commit, its markers.

A step commits by one create-only manifest that names its blobs. Whoever loses the race
takes the winner's manifest: results are floats, so two machines may differ in the last bit.
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from lucidray.core.canonical import digest_bytes
from lucidray.core.errors import Permanent
from lucidray.store.base import ObjectStore


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class PartEntry(_Model):
    """One blob of an artifact."""

    name: str
    media_type: str
    key: str
    sha256: str
    size: int


class ArtifactEntry(_Model):
    """One artifact."""

    contract: str
    role: str = ""
    parts: list[PartEntry]


class FlagEntry(_Model):
    """A quality flag as the step raised it."""

    code: str
    message: str
    warning: bool


class Manifest(_Model):
    """What a step committed. `recorded` says where it was computed; it is not part of identity."""

    case_id: str
    step: str
    step_key: str
    algorithm_version: str
    artifacts: list[ArtifactEntry]
    quality: list[FlagEntry] = []
    summary: dict[str, str] = {}
    seconds: float = 0.0
    recorded: dict[str, str] = {}

    def find(self, contract: str, role: str) -> ArtifactEntry | None:
        """The artifact of one contract and role."""
        for artifact in self.artifacts:
            if (artifact.contract, artifact.role) == (contract, role):
                return artifact
        return None


class CaseStore:
    """The cases of one zone."""

    def __init__(self, objects: ObjectStore) -> None:
        self.objects = objects

    def put_blob(self, case_id: str, name: str, media_type: str, data: bytes) -> PartEntry:
        """Store one blob under the digest of its content."""
        sha256 = digest_bytes(data)
        key = f"cases/{case_id}/blobs/{sha256}"
        if not self.objects.put_new(key, data) and digest_bytes(self.objects.get(key)) != sha256:
            # Bit rot or tampering: keep the evidence, then store what we know to be right.
            self.objects.move(key, f"quarantine/{case_id}/{sha256}")
            self.objects.put_new(key, data)
        return PartEntry(name=name, media_type=media_type, key=key, sha256=sha256, size=len(data))

    def get_part(self, part: PartEntry, step: str = "") -> bytes:
        """The content of a blob; `step` is the one that wrote it, if it can write it again.

        Raises
        ------
        Permanent
            It is missing or does not have the digest that the manifest says.
        """
        data = self.objects.find(part.key)
        if data is None:
            raise Permanent(f"object {part.key}", "it is not in the store", _written_again(step))
        if digest_bytes(data) != part.sha256:
            raise Permanent(f"object {part.key}", "its content is not what was committed", _written_again(step))
        return data

    def commit(self, manifest: Manifest) -> Manifest:
        """Commit a step; the manifest that won, ours or an earlier one."""
        key = _manifest_key(manifest.case_id, manifest.step_key)
        if self.objects.put_new(key, manifest.model_dump_json().encode()):
            return manifest
        return self.manifest(manifest.case_id, manifest.step_key, manifest.step)

    def find_manifest(self, case_id: str, step_key: str, step: str = "") -> Manifest | None:
        """What `step` committed under a step key, if anything was."""
        data = self.objects.find(_manifest_key(case_id, step_key))
        if data is None:
            return None
        try:
            return Manifest.model_validate_json(data)
        except ValidationError:
            raise Permanent(
                f"manifest {step_key} of case {case_id}", "it does not read", _written_again(step)
            ) from None

    def manifest(self, case_id: str, step_key: str, step: str = "") -> Manifest:
        """What `step` committed under a step key.

        Raises
        ------
        Permanent
            Nothing was.
        """
        manifest = self.find_manifest(case_id, step_key, step)
        if manifest is None:
            raise Permanent(f"manifest {step_key} of case {case_id}", "it is not in the store", _written_again(step))
        return manifest

    def mark(self, case_id: str, marker: str, text: str = "") -> bool:
        """Leave a create-only marker; True when it is new."""
        return self.objects.put_new(f"cases/{case_id}/markers/{marker}", text.encode() or b" ")

    def marked(self, case_id: str, markers: Sequence[str]) -> str:
        """The first of `markers` that the case carries, or an empty string."""
        for marker in markers:
            if self.objects.exists(f"cases/{case_id}/markers/{marker}"):
                return marker
        return ""

    def attempt(self, case_id: str, label: str, limit: int) -> int:
        """Record durably that an attempt begins; its number from 1, at most `limit` + 1."""
        for number in range(1, limit + 1):
            if self.objects.put_new(f"cases/{case_id}/attempts/{label}.{number}", b" "):
                return number
        return limit + 1


def _written_again(step: str) -> str:
    """The remedy for what is lost or rotten: the failing step cannot mend what an earlier one wrote."""
    if not step:
        return "check retention and the store for corruption; restore it from a backup, then `lucidray case retry`"
    return f"check retention and the store for corruption, then `lucidray case retry --from {step} --recompute`"


def _manifest_key(case_id: str, step_key: str) -> str:
    return f"cases/{case_id}/steps/{step_key}"
