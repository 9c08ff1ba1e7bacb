"""Model bundles: a folder with `model.yaml`, `model.onnx` and `card.md`.

The manifest names the SHA-256 of every other file; the digest of the bundle is that of the
manifest's content, so it covers them all. Nothing is ever unpickled. This module needs no
inference engine: dispatch pins bundles by reading manifests only.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from lucidray.core.canonical import digest_bytes, digest_json
from lucidray.core.errors import NoCompatibleWorker, Permanent
from lucidray.core.plain_yaml import parse_yaml
from lucidray.serving.manifest import Manifest
from lucidray.serving.settings import BundleSettings

MANIFEST = "model.yaml"
MODEL = "model.onnx"
CARD = "card.md"
_CHUNK = 1 << 20  # bytes hashed at a time: models may be larger than memory should hold twice


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk. `digest` identifies manifest and files together."""

    folder: Path
    manifest: Manifest
    digest: str

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> str:
        return self.manifest.version

    def verify(self) -> None:
        """Compare each file with the manifest.

        Raises
        ------
        Permanent
            A file is missing or is not the one that was packed; names it.
        """
        for name, expected in self.manifest.files.items():
            try:
                with (self.folder / name).open("rb") as file:
                    digest = hashlib.sha256()
                    while chunk := file.read(_CHUNK):
                        digest.update(chunk)
            except OSError as error:
                raise _broken(self.name, name, f"cannot be read ({error.strerror})") from None
            if digest.hexdigest() != expected:
                raise _broken(self.name, name, "its SHA-256 is not the one in model.yaml")

    def read(self, name: str) -> bytes:
        """Content of a file of the bundle, verified as read.

        Raises
        ------
        Permanent
            The manifest does not name the file, or it is not the one that was packed.
        """
        if name not in self.manifest.files:
            raise _broken(self.name, name, "model.yaml does not name it")
        try:
            data = (self.folder / name).read_bytes()
        except OSError as error:
            raise _broken(self.name, name, f"cannot be read ({error.strerror})") from None
        if digest_bytes(data) != self.manifest.files[name]:
            raise _broken(self.name, name, "its SHA-256 is not the one in model.yaml")
        return data


def read_manifest(folder: Path) -> Bundle:
    """The bundle in `folder`, its files not yet verified.

    The digest is that of the YAML document's content, not of our schema's view of it: a later
    release with more optional fields gives the same digest.

    Raises
    ------
    Permanent
        `model.yaml` is missing or does not fit the schema; names the first field.
    """
    try:
        content = parse_yaml((folder / MANIFEST).read_text("utf-8"))
        manifest = Manifest.model_validate(content)
        digest = digest_json(content)
    except OSError as error:
        raise _broken(folder.name, MANIFEST, f"cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise _broken(folder.name, MANIFEST, f"field '{field}': {first['msg']}") from None
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise _broken(folder.name, MANIFEST, f"is not plain YAML ({type(error).__name__})") from None
    for needed in (MODEL, CARD):
        if needed not in manifest.files:
            raise _broken(manifest.name, needed, "model.yaml does not name it under 'files'")
    return Bundle(folder, manifest, digest)


def load_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`, every file verified.

    Raises
    ------
    Permanent
        The manifest or a file is missing, malformed or changed; names it.
    """
    bundle = read_manifest(folder)
    bundle.verify()
    return bundle


def write_bundle(folder: Path, content: Mapping[str, Any], files: Mapping[str, bytes]) -> Bundle:
    """Pack a bundle: write `files` and a `model.yaml` of `content` with their SHA-256.

    The same arguments give the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    document = {**content, "files": {name: digest_bytes(data) for name, data in sorted(files.items())}}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    (folder / MANIFEST).write_text(text, "utf-8")
    return load_bundle(folder)


class BundleShelf:
    """The bundles that this process can reach."""

    def __init__(self, folders: Sequence[Path] | None = None) -> None:
        self._folders = list(BundleSettings.load().folders if folders is None else folders)

    def bundles(self) -> list[Bundle]:
        """Bundles with a sound manifest, by name and version; files are verified when found."""
        sound = (bundle for bundle in self._scan() if isinstance(bundle, Bundle))
        return sorted(sound, key=lambda bundle: (bundle.name, _release(bundle)))

    def faults(self) -> list[Permanent]:
        """Why the other folders are not bundles."""
        return [fault for fault in self._scan() if isinstance(fault, Permanent)]

    def find(self, name: str, digest: str = "") -> Bundle:
        """The bundle of that name: the pinned one, or the latest version; every file verified.

        Raises
        ------
        NoCompatibleWorker
            The pinned digest is not on this shelf; another worker may carry it.
        Permanent
            No bundle has the name, its manifest or a file is broken, or two bundles share the latest version.
        """
        named = [bundle for bundle in self.bundles() if bundle.name == name]
        if digest:
            named = [bundle for bundle in named if bundle.digest == digest][:1]
        else:
            named = [bundle for bundle in named if _release(bundle) == _release(named[-1])]
        if not named:
            raise self._absent(name, digest)
        if len({bundle.digest for bundle in named}) > 1:
            raise Permanent(
                f"bundle '{name}'",
                f"{len(named)} different bundles call themselves version {named[0].version}",
                "keep one of them in bundles.folders",
            )
        named[0].verify()
        return named[0]

    def _scan(self) -> Iterator[Bundle | Permanent]:
        for shelf in self._folders:
            for manifest in sorted(shelf.glob(f"*/{MANIFEST}")):
                try:
                    yield read_manifest(manifest.parent)
                except Permanent as fault:
                    yield fault

    def _absent(self, name: str, digest: str) -> Permanent | NoCompatibleWorker:
        for fault in self.faults():
            if fault.thing.startswith(f"bundle '{name}'"):
                return fault
        if digest:
            return NoCompatibleWorker(
                f"bundle '{name}'",
                f"this worker has none with digest {digest[:12]}",
                "put the version that the case was opened with into bundles.folders",
            )
        known = ", ".join(sorted({bundle.name for bundle in self.bundles()})) or "none"
        return Permanent(f"bundle '{name}'", f"it is not there (there are: {known})", "add it to bundles.folders")


def _release(bundle: Bundle) -> tuple[int, ...]:
    return tuple(int(part) for part in bundle.version.split("."))


def _broken(bundle: str, file: str, cause: str) -> Permanent:
    return Permanent(
        f"bundle '{bundle}', file {file}", cause, "restore the bundle as it was packed, or pack it again from lab"
    )
