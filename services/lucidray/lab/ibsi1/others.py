"""What other packages make of the same values, beside ours."""

from collections.abc import Iterator, Mapping, Sequence

from lucidray.lab.ibsi1.peers.stored import package_of, stored
from lucidray.lab.ibsi1.reference import STRENGTHS, Consensus
from lucidray.quantify.ibsi import FAMILY_CODES

Values = Mapping[str, float | None]
_REMARKS = (
    "pyradiomics: kurtosis of a normal distribution is 3, not 0; axes from covariances divided by N, not N - 1.",
    "flash-radiomics: axes as in pyradiomics, and with them the enclosing ellipsoid.",
    "nyxus: shape is in voxels, whatever the spacing in the file; the NGTDM is zero on this phantom.",
)


def others(rows: Sequence[Consensus], ours: Values) -> Iterator[str]:
    """The section, line by line."""
    columns: dict[str, Values] = {"lucidray": ours, **stored()}
    yield "## Others, by the same rule"
    yield ""
    yield "`python -m lucidray.lab.ibsi1.peers DATA` measures the packages that are installed, each by the settings"
    yield "that make it follow the IBSI (they stand in its module there), and keeps the values. A package has those"
    yield "features and aggregations of a volume that it offers: pyradiomics and flash-radiomics do not average over"
    yield "slices, the latter does not merge directions, nyxus averages in 3D alone and pictologics merges in 3D alone."
    yield "Where a package measures a feature in two ways (nyxus: GLDM, NGLDM), the nearer counts."
    yield ""
    yield from _packages(rows, columns)
    yield ""
    yield from _families(rows, columns)
    yield ""
    yield from _misses(rows, columns)
    yield ""
    yield "Why, where it is known:"
    yield ""
    yield from (f"- {remark}" for remark in _REMARKS)


def _packages(rows: Sequence[Consensus], columns: Mapping[str, Values]) -> Iterator[str]:
    strengths = [name for name in STRENGTHS if any(each.strength == name for each in rows)]
    yield f"| package | has of {len(rows)} | conform | {' | '.join(strengths)} |"
    yield f"|---|---|---|{'---|' * len(strengths)}"
    for label, values in columns.items():
        parts = [[each for each in rows if each.strength == name] for name in strengths]
        held, has = _count(rows, values)
        yield f"| {label} | {has} | {held} | {' | '.join(_cell(part, values) for part in parts)} |"


def _families(rows: Sequence[Consensus], columns: Mapping[str, Values]) -> Iterator[str]:
    yield f"| family | values | {' | '.join(package_of(label) for label in columns)} |"
    yield f"|---|---|{'---|' * len(columns)}"
    for family in FAMILY_CODES:
        part = [each for each in rows if each.family == family]
        cells = " | ".join(_cell(part, values) for values in columns.values())
        yield f"| {family.replace('_', ' ')} | {len(part)} | {cells} |"


def _misses(rows: Sequence[Consensus], columns: Mapping[str, Values]) -> Iterator[str]:
    """Every value that somebody misses, and the packages that miss one."""
    missing = {label: values for label, values in columns.items() if any(_misses_it(each, values) for each in rows)}
    shown = {"lucidray": columns["lucidray"], **missing}
    yield "Every miss; a package that misses none has no column, a feature that a package has not no value:"
    yield ""
    yield f"| feature | strength | consensus | tolerance | {' | '.join(package_of(label) for label in shown)} |"
    yield f"|---|---|---|---|{'---|' * len(shown)}"
    for each in rows:
        if any(_misses_it(each, values) for values in columns.values()):
            cells = " | ".join(_value(each, values) for values in shown.values())
            yield f"| {each.tag} | {each.strength} | {each.value:g} | {each.tolerance:g} | {cells} |"


def _value(row: Consensus, values: Values) -> str:
    value = values.get(row.tag)
    if value is None:
        return ""
    return f"{value:.6g}" if row.holds(value) else f"**{value:.6g}**"


def _misses_it(row: Consensus, values: Values) -> bool:
    value = values.get(row.tag)
    return value is not None and not row.holds(value)


def _cell(rows: Sequence[Consensus], values: Values) -> str:
    held, has = _count(rows, values)
    return f"{held} of {has}" if has else ""


def _count(rows: Sequence[Consensus], values: Values) -> tuple[int, int]:
    """How many conform, and how many there are."""
    return sum(each.holds(values.get(each.tag)) for each in rows), sum(
        values.get(each.tag) is not None for each in rows
    )
