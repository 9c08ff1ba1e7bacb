"""One visit of a patient to a scanner: identifiers, times, and what was injected."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lucidray.phantom.patient import VirtualPatient
from lucidray.phantom.scanners import Scanner, Size
from lucidray.phantom.uids import stream, uid

# Physical half-life of fluorine-18 and its share of positron decays, as scanners write them.
F18_HALF_LIFE_SECONDS = 6586.2
F18_POSITRON_FRACTION = 0.967
_PET_DELAY = timedelta(minutes=3)


@dataclass(frozen=True)
class Visit:
    """What all objects of one study share."""

    patient: VirtualPatient
    scanner: Scanner
    size: Size
    key: tuple[object, ...]
    """What the identifiers derive from: everything that decides the content."""
    start: datetime
    injection: datetime
    dose_bq: float
    accession_number: str

    @classmethod
    def plan(cls, patient: VirtualPatient, scanner: Scanner, size: Size, key: tuple[object, ...]) -> "Visit":
        """Draw date, time, uptake period and dose of the visit."""
        rng = stream(patient.seed, scanner.key, "visit")
        start = datetime(2019, 1, 7, 8) + timedelta(
            days=int(rng.integers(0, 6 * 365)), seconds=int(rng.integers(0, 8 * 3600))
        )
        injection = start + _PET_DELAY - timedelta(seconds=int(rng.normal(3660, 240)))
        dose = patient.demographics.weight_kg * float(rng.uniform(3.2, 4.8)) * 1e6
        return cls(patient, scanner, size, key, start, injection, round(dose, -4), f"ACC{rng.integers(10**8, 10**9)}")

    def uid(self, *parts: object) -> str:
        """The identifier of a part of this visit."""
        return uid(*self.key, *parts)

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""
        return self.uid("study")

    @property
    def frame_of_reference_uid(self) -> str:
        """FrameOfReferenceUID that CT, PET and contours share."""
        return self.uid("frame of reference")

    @property
    def pet_start(self) -> datetime:
        """Begin of the PET series: the reference time of DecayCorrection START."""
        return self.start + _PET_DELAY

    @property
    def suv_per_concentration(self) -> float:
        """Factor from Bq/ml, as this scanner corrects decay, to body-weight SUV in g/ml."""
        weight_g = self.patient.demographics.weight_kg * 1000.0
        if self.scanner.pet.decay_correction == "ADMIN":
            return weight_g / self.dose_bq
        waited = (self.pet_start - self.injection).total_seconds()
        decayed = float(self.dose_bq * 2.0 ** (-waited / F18_HALF_LIFE_SECONDS))
        return weight_g / decayed
