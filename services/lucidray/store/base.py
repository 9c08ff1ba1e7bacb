"""What every object store can do, and what it promises.

Promises, held by one contract test that runs against each implementation:

- An object is durable when `put_new` returns.
- `put_new` never changes an existing object; of two concurrent callers one wins.
- A reader sees a whole object or none.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

Content = bytes | memoryview | Path


class ObjectStore(ABC):
    """Immutable objects under slash-separated keys."""

    @abstractmethod
    def put_new(self, key: str, content: Content) -> bool:
        """Store an object unless the key exists; True when it is ours.

        A `Path` is read from that file, and may be hard-linked rather than copied: it must
        not be changed afterwards.

        Raises
        ------
        Permanent
            The key is malformed.
        Transient
            The store cannot be reached or is full.
        """

    @abstractmethod
    def get(self, key: str) -> bytes:
        """The object.

        Raises
        ------
        Permanent
            No such object.
        """

    @abstractmethod
    def find(self, key: str) -> bytes | None:
        """The object, or None."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether there is an object."""

    @abstractmethod
    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that begin with `prefix`, which ends in a slash or is empty; in no order."""

    @abstractmethod
    def delete_prefix(self, prefix: str) -> int:
        """Delete every object under `prefix`; number of objects."""

    @abstractmethod
    def move(self, source: str, destination: str) -> None:
        """Rename an object, e.g. into quarantine. Not atomic on every store."""
