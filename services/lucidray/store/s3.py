"""Objects in an S3 bucket, through obstore; create-only by conditional put."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError

from lucidray.core.errors import Transient
from lucidray.store.base import Content, ObjectStore
from lucidray.store.folder import no_such_object


class S3Store(ObjectStore):
    """Objects of one bucket; `client` is an `obstore.store.S3Store`."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def put_new(self, key: str, content: Content) -> bool:
        data = content.read_bytes() if isinstance(content, Path) else bytes(content)
        try:
            obstore.put(self._client, key, data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        except BaseError as error:
            raise self._failed(error) from None
        return True

    def get(self, key: str) -> bytes:
        data = self.find(key)
        if data is None:
            raise no_such_object(key)
        return data

    def find(self, key: str) -> bytes | None:
        try:
            return bytes(obstore.get(self._client, key).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise self._failed(error) from None

    def exists(self, key: str) -> bool:
        try:
            obstore.head(self._client, key)
        except (NotFoundError, FileNotFoundError):
            return False
        except BaseError as error:
            raise self._failed(error) from None
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        for page in obstore.list(self._client, prefix.rstrip("/") or None):
            for entry in page:
                yield entry["path"]

    def delete_prefix(self, prefix: str) -> int:
        found = list(self.keys(prefix))
        if found:
            obstore.delete(self._client, found)
        return len(found)

    def move(self, source: str, destination: str) -> None:
        obstore.copy(self._client, source, destination)
        obstore.delete(self._client, source)

    def _failed(self, error: BaseError) -> Transient:
        return Transient(
            f"bucket {self._name}",
            f"the object store answered with {type(error).__name__}",
            "check its address, credentials and health; the work is tried again",
        )
