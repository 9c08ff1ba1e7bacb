"""A cohort: a CSV file that lists its subjects, or a folder with a folder for each."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from lucidray.core.errors import Permanent
from lucidray.lab.features.measuring import Subject, only_role
from lucidray.lab.features.research_files import is_research_file
from lucidray.quantify.preset import Preset

_REMEDY = (
    "list columns subject, image (or image.ROLE for each role of the preset), mask (or mask.ROLE) and, where a mask "
    "holds several regions, roi"
)
# PET_image.nii.gz, image.nrrd, a folder PET/image: what it is, after the role that it is of.
_NAMED = re.compile(r"^(?:(?P<role>.+)_)?(?P<kind>image|mask)$", re.IGNORECASE)


def read_cohort(path: Path, preset: Preset, roi: str = "", *, any_grid: bool = False) -> list[Subject]:
    """The subjects of a cohort.

    Parameters
    ----------
    path
        A CSV file with paths beside it, or a folder with a folder for each subject, which holds either
        `[ROLE_]image` and `[ROLE_]mask` (NIfTI, NRRD or folders of DICOM objects), or `ROLE/image` and `ROLE/mask`,
        or DICOM objects alone: a series for each role, and an RTSTRUCT or a SEG.
    roi
        Regions to measure where the listing does not say.

    Raises
    ------
    Permanent
        It lists nobody, or a lesion twice, or the listing lacks a column.
    """
    if not path.exists():
        raise Permanent(f"cohort {path.name}", "there is no such file or folder", "correct the path")
    subjects = _listed(path, preset) if path.is_file() else _found(path, preset)
    if not subjects:
        raise Permanent(f"cohort {path.name}", "it lists no subject", _REMEDY)
    return [each.model_copy(update={"roi": each.roi or roi, "any_grid": any_grid}) for each in subjects]


def _listed(path: Path, preset: Preset) -> list[Subject]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except UnicodeDecodeError:
        raise Permanent(
            f"cohort {path.name}", "it is not UTF-8 text", "save it as CSV in UTF-8, or name a folder"
        ) from None
    except (OSError, csv.Error) as error:
        raise Permanent(f"cohort {path.name}", f"it does not read ({type(error).__name__})", _REMEDY) from None
    lines: dict[str, int] = {}
    subjects = []
    for number, row in enumerate(rows, start=2):
        subject = _listed_subject(row, number, path, preset)
        first = lines.setdefault(subject.model_dump_json(), number)
        if first != number:
            raise Permanent(f"cohort {path.name}, line {number}", f"it is line {first} again", "remove one of the two")
        subjects.append(subject)
    return subjects


def _listed_subject(row: dict[str | None, str | None], line: int, path: Path, preset: Preset) -> Subject:
    thing = f"cohort {path.name}, line {line}"
    if any(row.get(None) or ()):  # where DictReader puts what is beyond the header
        raise Permanent(thing, "it has more cells than there are columns", "quote cells that hold a comma")
    cells = {_column(name): (cell or "").strip() for name, cell in row.items() if name}
    images, masks = _paths(cells, "image", path.parent), _paths(cells, "mask", path.parent)
    if not cells.get("subject") or not images or not masks:
        missing = "a subject" if not cells.get("subject") else "an image" if not images else "a mask"
        raise Permanent(thing, f"it does not name {missing}; its columns are {', '.join(cells)}", _REMEDY)
    roles = _with_roles(images, preset, thing)
    return Subject(name=cells["subject"], images=roles, masks=masks, roi=cells.get("roi", ""))


def _column(name: str) -> str:
    """As it is looked up: the role of an image is as the preset writes it."""
    kind, dot, role = name.strip().partition(".")
    return f"{kind.lower()}{dot}{role}"


def _paths(cells: dict[str, str], kind: str, folder: Path) -> dict[str, Path]:
    """By role; '' where the column does not name one."""
    found = {}
    for name, cell in cells.items():
        column, _, role = name.partition(".")
        if column == kind and cell:
            found[role] = folder / cell
    return found


def _with_roles(images: dict[str, Path], preset: Preset, thing: str) -> dict[str, Path]:
    """A file that does not say its role has the only one that there is; a folder is searched when it is measured."""
    if not is_research_file(images.get("", Path())):
        return images
    return {(role or only_role(preset, thing)): path for role, path in images.items()}


def _found(folder: Path, preset: Preset) -> list[Subject]:
    return [_found_subject(each, preset) for each in sorted(folder.iterdir()) if _is_shown(each)]


def _is_shown(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _found_subject(folder: Path, preset: Preset) -> Subject:
    roles = {each.role.lower(): each.role for each in preset.measurements} | {"": ""}
    parts: dict[str, dict[str, Path]] = {"image": {}, "mask": {}}
    for path, name in _candidates(folder):
        match = _NAMED.match(name)
        if match and (match["role"] or "").lower() in roles:
            parts[match["kind"].lower()][roles[(match["role"] or "").lower()]] = path
    if not parts["image"] and not parts["mask"]:
        parts = {"image": {"": folder}, "mask": {"": folder}}
    images = _with_roles(parts["image"], preset, f"subject {folder.name}")
    return Subject(name=folder.name, images=images, masks=parts["mask"])


def _candidates(folder: Path) -> Sequence[tuple[Path, str]]:
    """Entries of a subject's folder that may be an image or a mask, with their names as ROLE_kind."""
    entries = sorted(folder.iterdir())
    files = [(each, each.name.split(".")[0]) for each in entries if is_research_file(each) or each.is_dir()]
    nested = [
        (inner, f"{each.name}_{inner.name}") for each in entries if each.is_dir() for inner in sorted(each.iterdir())
    ]
    return [*files, *nested]
