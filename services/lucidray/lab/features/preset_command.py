"""The commands `lucidray presets`: what they print."""

import re
from pathlib import Path
from textwrap import fill

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lucidray.core.errors import LucidrayError, Permanent
from lucidray.lab.features.places import writing
from lucidray.lab.features.presets import as_yaml, check, find_preset, preset_files
from lucidray.lab.features.pyradiomics.parameters import Modality, read_parameters, to_preset
from lucidray.quantify.preset import read_preset


def listed() -> Table:
    """Every preset: name, title, images, digest; a broken one says so."""
    table = Table("name", "title", "images", "digest", box=SIMPLE)
    for name, path in preset_files().items():
        try:
            preset = read_preset(path)
        except LucidrayError as error:
            table.add_row(name, f"[red]{escape(error.cause)}", "", "")
            continue
        roles = dict.fromkeys(each.role for each in preset.measurements)
        table.add_row(name, preset.title, ", ".join(roles), preset.digest[:12])
    return table


def shown(name: str) -> str:
    """The preset's file, under a line with its digest.

    Raises
    ------
    Permanent
        There is no such preset.
    """
    preset = find_preset(name)
    path = preset_files().get(name, Path(name))
    return f"# digest {preset.digest}\n{path.read_text('utf-8')}"


def checked(name: str, console: Console) -> bool:
    """Print what there is to say of a preset; whether it works."""
    path = preset_files().get(name, Path(name))
    findings = check(path)
    for each in findings:
        colour = "red" if each.fault else "yellow"
        field = f"field '{each.field}': " if each.field else ""
        console.print(
            f"[{colour}]{escape(path.stem)}[/]: {escape(f'{field}{each.cause}')}\n  {escape(each.remedy)}",
            highlight=False,
            soft_wrap=True,
        )
    if any(each.fault for each in findings):
        return False
    console.print(f"{path.stem}: works, digest {read_preset(path).digest}", highlight=False, soft_wrap=True)
    return True


def imported(parameters: Path, modality: Modality, output: Path | None, notes: Console) -> str:
    """The preset of a parameter file of pyradiomics as YAML; what it cannot honour goes to `notes` and into the file.

    Raises
    ------
    Permanent
        The file does not read, or has no such form.
    """
    name = re.sub(r"[^a-z0-9]+", "-", (output or parameters).stem.lower()).strip("-")
    if output is not None and name != output.stem:
        raise Permanent(f"preset {output.stem}", "a name has small letters, digits and hyphens", f"call it {name}.yaml")
    preset, differences = to_preset(read_parameters(parameters), name, modality)
    for each in differences:
        notes.print(str(each), style="yellow", highlight=False, markup=False, soft_wrap=True)
    lines = [f"From the pyradiomics parameters {parameters.name}.", *map(str, differences)]
    comment = "".join(f"{fill(line, 118, initial_indent='# ', subsequent_indent='#   ')}\n" for line in lines)
    text = comment + as_yaml(preset)
    if output is not None:
        with writing(output):
            output.write_text(text, "utf-8")
        notes.print(f"{output}: digest {preset.digest}", highlight=False, soft_wrap=True)
    return text
