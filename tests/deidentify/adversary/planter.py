"""Makes identifiers that occur nowhere else, and remembers where each was planted.

Nothing here knows the engine: a seed gives a corpus, and what must not come out of it.
"""

import hashlib
import random
from dataclasses import dataclass, field
from datetime import date, timedelta

from lucidray.deidentify.audit.identifiers import Identifier, Kind

# Consonants, so that no word of any language comes out.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_FIRST_DAY = date(1903, 3, 11)
# Dates lie at least so far apart that no shift of up to ten years turns one of an object's dates into another:
# a hit is a leak, not a coincidence. Eighteen fit into the years of DICOM's users.
DATE_STEP_DAYS = 3653
DATES = 18
MODIFIED_DATES, PATIENT_CHARACTERISTICS, DEVICE_IDENTITY = "113107", "113108", "113109"
# The decimal numbers that PS3.15 Table E.1-1 lets stay under an option. Text and dates never stay as they were.
_KEPT_DECIMALS = {
    "PatientSize": PATIENT_CHARACTERISTICS,
    "PatientWeight": PATIENT_CHARACTERISTICS,
    "LensSpecification": DEVICE_IDENTITY,
}
UID_ROOT = "1.2.276.0.7230010.3.1"


@dataclass(frozen=True)
class Plant:
    """One identifier in one place of one object."""

    category: str
    place: str
    identifier: Identifier
    kept_by: str = ""  # option of CID 7050 under which PS3.15 lets it stay


@dataclass
class Planter:
    """Mints identifiers for one object."""

    seed: str
    category: str
    plants: list[Plant] = field(default_factory=list)
    _random: random.Random = field(init=False, repr=False)
    _dates: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(hashlib.sha256(f"{self.seed}/{self.category}".encode()).digest())
        self._dates = self._random.sample(range(DATES), DATES)

    @property
    def random(self) -> random.Random:
        """For choices of places and shapes."""
        return self._random

    def word(self, length: int = 11) -> str:
        """Letters and a digit or two that occur nowhere else; nothing is remembered."""
        letters = [self._random.choice(_LETTERS) for _ in range(length)]
        letters[length // 2] = self._random.choice("23456789")
        return "".join(letters)

    def text(self, place: str, length: int = 11) -> str:
        """A word that names somebody."""
        return self.given(place, self.word(length))

    def given(self, place: str, value: str, kind: Kind = Kind.TEXT, kept_by: str = "") -> str:
        """Remember a value that was made elsewhere."""
        self.plants.append(Plant(self.category, place, Identifier(kind, value, place), kept_by))
        return value

    def name(self, place: str) -> str:
        """Family and given name."""
        return self.given(place, f"{self._letters(8)}^{self._letters(7)}", Kind.NAME)

    def uid(self, place: str) -> str:
        """A UID of an institution's device."""
        tail = f"{self._random.randrange(10**8, 10**9)}.{self._random.randrange(10**8, 10**9)}"
        return self.given(place, f"{UID_ROOT}.{tail}", Kind.UID)

    def date(self, place: str) -> str:
        """A date; an object has up to `DATES` different ones."""
        day = _FIRST_DAY + timedelta(days=self._dates.pop() * DATE_STEP_DAYS)
        return self.given(place, f"{day:%Y%m%d}", Kind.DATE)

    def time(self, place: str) -> str:
        """A time of day, to the microsecond."""
        hour, minute, second = self._random.randrange(24), self._random.randrange(60), self._random.randrange(60)
        value = f"{hour:02}{minute:02}{second:02}.{self._random.randrange(100000, 999999)}"
        return self.given(place, value, Kind.ID, MODIFIED_DATES)

    def number(self, place: str, digits: int = 9) -> str:
        """An integer that no measurement gives."""
        return self.given(place, str(self._random.randrange(10 ** (digits - 1), 10**digits)), Kind.ID)

    def decimal(self, place: str) -> str:
        """A decimal number with more places than any measurement has; no zero at its end."""
        value = f"{self._random.randrange(10, 99)}.{self._random.randrange(10**7, 10**8)}{self._random.randrange(1, 9)}"
        return self.given(place, value, Kind.ID, _KEPT_DECIMALS.get(place, ""))

    def _letters(self, length: int) -> str:
        return "".join(self._random.choice(_LETTERS) for _ in range(length))
