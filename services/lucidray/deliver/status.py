"""What the status of a C-STORE response means for us (PS3.4 table B.2-1, PS3.7 annex C)."""

from enum import Enum

from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS


class Verdict(Enum):
    """What becomes of an object."""

    STORED = "stored"
    WARNED = "stored with a warning"
    ALREADY_THERE = "already there"
    LATER = "not now"
    NEVER = "refused"


DUPLICATE_INSTANCE = 0x0111
# Processing failure, resource limitation: they say nothing against the object.
MAY_PASS = frozenset({0x0110, 0x0213})

# By first and last code.
REMEDIES = {
    (0x0122, 0x0122): "enable this storage SOP class at the destination",
    (0x0124, 0x0124): "allow our AE title to store at the destination",
    (0xA900, 0xA9FF): "it takes the data set for another SOP class: report it with the case id",
    (0xC000, 0xCFFF): "it does not understand the data set: see its log, and report it with the case id",
}
CHECK_LOG = "see the destination's log"


def judge(status: int) -> Verdict:
    """What a status code means. Categories of PS3.4 go by the leading digits."""
    if status == 0x0000:
        return Verdict.STORED
    if status >> 12 == 0xB:
        return Verdict.WARNED
    if status == DUPLICATE_INSTANCE:
        return Verdict.ALREADY_THERE
    if status >> 8 == 0xA7 or status in MAY_PASS:
        return Verdict.LATER
    return Verdict.NEVER


def describe(status: int) -> str:
    """The code and its meaning; never the node's own ErrorComment, which may name a person."""
    known = STORAGE_SERVICE_CLASS_STATUS.get(status)
    meaning = (known[1] or known[0]) if known else "unknown status"
    return f"0x{status:04X} ({meaning})"


def remedy(status: int) -> str:
    """What a person can do about a refusal."""
    return next((text for (first, last), text in REMEDIES.items() if first <= status <= last), CHECK_LOG)
