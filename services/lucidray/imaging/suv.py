"""Standardised uptake values by body weight from PET headers.

SUVbw [g/ml] = activity concentration [Bq/ml] * weight [g] / activity at the reference time [Bq],
after the vendor-neutral pseudo-code of the Quantitative Imaging Biomarkers Alliance (FDG-PET/CT
profile, "SUV calculation") and DICOM PS3.3 C.8.9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydicom import Dataset
from pydicom.valuerep import DT, TM

from lucidray.core.errors import Permanent
from lucidray.imaging.dicom import number, text, value

UNIT = "{SUVbw}g/ml"  # UCUM with annotation, DICOM CID 85
LEAST_DOSE = 1e6  # Bq: less than 1 MBq is no dose for imaging, but MBq written where Bq belong
MOST_HALF_LIVES = 5  # between injection and scan; later, 3 % are left: the times are wrong
DAY = timedelta(days=1)

_RESEND = "send the original PET series, with this attribute, from the scanner or the PACS"


@dataclass(frozen=True)
class SuvScale:
    """What turns rescaled PET values into SUVbw."""

    factor: float
    processing: tuple[str, ...]  # how, for the record
    trusted: bool = False  # the sender computed SUV; we could not check it


def suv_scale(slices: Sequence[Dataset], thing: str) -> SuvScale:
    """Factor from rescaled values (stored * slope + intercept) to SUVbw, one for the series.

    Raises
    ------
    Permanent
        A correction is missing, or an attribute that SUV needs is missing or implausible; names it.
    """
    first = slices[0]
    _check_corrections(slices, thing)
    units = text(first, "Units")
    if units == "GML":
        _check_suv_type(first, thing)
        return SuvScale(1.0, ("SUVbw as stored (Units GML)",), trusted=True)
    if units == "CNTS":
        return _philips(slices, thing)
    if units != "BQML":
        shown = (
            units if units in {"PROPCNTS", "PROPCPS", "CPS", "NONE", "PCNT", "CM2ML", "CM2"} else "missing or unknown"
        )
        raise Permanent(thing, f"Units are {shown}, not BQML, GML or CNTS", "send the attenuation-corrected series")
    return _from_concentration(slices, thing)


def _check_corrections(slices: Sequence[Dataset], thing: str) -> None:
    for needed, name in (("ATTN", "attenuation"), ("DECY", "decay")):
        without = sum(needed not in text(one, "CorrectedImage").split("\\") for one in slices)
        if without:
            raise Permanent(
                thing,
                f"CorrectedImage lacks {needed} ({name} correction) in {without} of {len(slices)} slices",
                f"send the {name}-corrected reconstruction",
            )


def _check_suv_type(first: Dataset, thing: str) -> None:
    kind = text(first, "SUVType") or "BW"  # DICOM PS3.3 C.8.9.1: absent means body weight
    if kind != "BW":
        raise Permanent(thing, "SUVType is not BW (body weight)", "send the series in BQML or as SUVbw")


def _philips(slices: Sequence[Dataset], thing: str) -> SuvScale:
    """Units CNTS: Philips' private factors, to SUV (7053,1000) or to Bq/ml (7053,1009)."""
    to_suv = _private(slices[0], 0x00)
    if to_suv:
        _check_same(slices, 0x00, to_suv, thing)
        return SuvScale(to_suv, ("counts to SUVbw by (7053,1000)",))
    to_activity = _private(slices[0], 0x09)
    if to_activity:
        _check_same(slices, 0x09, to_activity, thing)
        scale = _from_concentration(slices, thing)
        return SuvScale(scale.factor * to_activity, ("counts to Bq/ml by (7053,1009)", *scale.processing))
    raise Permanent(
        thing,
        "Units are CNTS and the private SUV factors (7053,1000) and (7053,1009) are missing or zero",
        "let de-identification keep them, or send the series in BQML",
    )


def _private(dataset: Dataset, element: int) -> float | None:
    try:
        block = dataset.private_block(0x7053, "Philips PET Private Group")
        found = block[element].value
        parsed = float(found.decode("ascii").strip("\0 ") if isinstance(found, bytes) else found)
    except (KeyError, ValueError, TypeError):
        return None
    return parsed if 0 < parsed < float("inf") else None


def _check_same(slices: Sequence[Dataset], element: int, expected: float, thing: str) -> None:
    if any(_private(one, element) != expected for one in slices):
        raise Permanent(thing, f"(7053,10{element:02d}) differs between slices", "send one reconstruction")


def _from_concentration(slices: Sequence[Dataset], thing: str) -> SuvScale:
    """Units BQML (or made so)."""
    first = slices[0]
    tracer = _tracer(first, thing)
    weight = _positive(first, "PatientWeight", "patient", thing)
    dose = _positive(tracer, "RadionuclideTotalDose", "radiopharmaceutical", thing)
    if dose < LEAST_DOSE:
        raise Permanent(thing, f"RadionuclideTotalDose is {dose:g} Bq, too little: it may be in MBq", _RESEND)
    correction = text(first, "DecayCorrection")
    if any(text(one, "DecayCorrection") != correction for one in slices):
        raise Permanent(thing, "DecayCorrection differs between slices", "select one reconstruction")
    if correction == "ADMIN":
        left, how = 1.0, "decay corrected to injection"
    elif correction == "START":
        left = _decay(slices, tracer, thing)
        how = f"dose decayed to the start of the scan ({left:.6g} left)"
    else:
        raise Permanent(
            thing,
            f"DecayCorrection is {'NONE' if correction == 'NONE' else 'missing or unknown'}, not START or ADMIN",
            "send a decay-corrected reconstruction",
        )
    return SuvScale(weight * 1000 / (dose * left), ("Bq/ml to SUVbw", how))


def _tracer(first: Dataset, thing: str) -> Dataset:
    sequence = value(first, "RadiopharmaceuticalInformationSequence", [])
    if len(sequence) != 1:
        raise Permanent(thing, f"RadiopharmaceuticalInformationSequence has {len(sequence)} items, not one", _RESEND)
    item: Dataset = sequence[0]
    return item


def _positive(dataset: Dataset, keyword: str, whose: str, thing: str) -> float:
    found = number(dataset, keyword)
    if found is None or found <= 0:
        state = "missing" if found is None else "not positive"
        raise Permanent(thing, f"{keyword} of the {whose} is {state}; SUV needs it", _RESEND)
    return found


def _decay(slices: Sequence[Dataset], tracer: Dataset, thing: str) -> float:
    """Share of the dose that is left at the reference time of the decay correction."""
    half_life = _positive(tracer, "RadionuclideHalfLife", "radiopharmaceutical", thing)
    scan = scan_start(slices, thing)
    elapsed = (scan - _injection(tracer, scan, thing)).total_seconds()
    if not 0 <= elapsed <= MOST_HALF_LIVES * half_life:
        raise Permanent(
            thing,
            f"injection is {elapsed / 60:.0f} minutes before the scan, not between 0 and {MOST_HALF_LIVES} half-lives",
            "correct RadiopharmaceuticalStartTime or RadiopharmaceuticalStartDateTime at the source and send again",
        )
    return float(2.0 ** (-elapsed / half_life))


def scan_start(slices: Sequence[Dataset], thing: str) -> datetime:
    """Time that decay was corrected to when DecayCorrection is START.

    The series' own time, unless it is later than an acquisition (the series was derived later):
    then GE's private scan time (0009,100D), else the earliest acquisition.
    """
    acquired = [found for one in slices if (found := _moment(one, "Acquisition")) is not None]
    series = _moment(slices[0], "Series")
    if series is not None and (not acquired or series <= min(acquired)):
        return series
    private = _ge_scan_time(slices[0])
    if private is not None:
        return private
    if acquired:
        return min(acquired)
    raise Permanent(
        thing, "neither SeriesDate and SeriesTime nor AcquisitionDate and AcquisitionTime are there", _RESEND
    )


def _injection(tracer: Dataset, scan: datetime, thing: str) -> datetime:
    """Time of injection; where only a time of day is known, the last one before the scan."""
    full = _parsed(text(tracer, "RadiopharmaceuticalStartDateTime"))
    if full is not None:
        return full
    try:
        time = TM(text(tracer, "RadiopharmaceuticalStartTime"))
    except ValueError:
        time = None
    if time is None:
        raise Permanent(
            thing,
            "RadiopharmaceuticalStartTime and RadiopharmaceuticalStartDateTime are missing; SUV needs one",
            _RESEND,
        )
    same_day = datetime.combine(scan.date(), time)
    return same_day if same_day <= scan else same_day - DAY


def _ge_scan_time(dataset: Dataset) -> datetime | None:
    try:
        found = dataset.private_block(0x0009, "GEMS_PETD_01")[0x0D].value
    except KeyError:
        return None
    return _parsed(found.decode("ascii", "replace") if isinstance(found, bytes) else str(found))


def _moment(dataset: Dataset, what: str) -> datetime | None:
    return _parsed(text(dataset, f"{what}Date") + text(dataset, f"{what}Time"), date=text(dataset, f"{what}Date"))


def _parsed(moment: str, date: str | None = None) -> datetime | None:
    """A DICOM DT without its zone: all times of a series are the scanner's."""
    if date is not None and (len(date) != len("YYYYMMDD") or len(moment) == len(date)):
        return None
    try:
        parsed = DT(moment.strip("\0 "))
    except ValueError:
        return None
    return None if parsed is None else datetime(*parsed.timetuple()[:6], parsed.microsecond)
