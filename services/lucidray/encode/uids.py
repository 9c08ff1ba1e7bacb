"""UIDs of results, derived from what the results say."""

import hashlib
import uuid
from collections.abc import Mapping

from lucidray.core.canonical import digest_json


class ResultUIDs:
    """UIDs of the objects of one encoding: equal for equal content, new for any other.

    The content is named by the digests of all inputs, and by the case and its generation. Within
    one generation of one case the first durable manifest wins, so that a UID stands for exactly one
    string of bytes although the objects carry the time at which they were made.
    """

    def __init__(self, case_id: str, generation: int, content: Mapping[str, str]) -> None:
        self._content = digest_json([case_id, generation, dict(content)])

    def uid(self, what: str) -> str:
        """A UID under 2.25 (PS3.5 B.2) for one object or series, e.g. "SEG" or "SEG series"."""
        digest = hashlib.sha256(f"{self._content}\x1f{what}".encode()).digest()
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"
