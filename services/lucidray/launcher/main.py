"""The command line."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
import yaml
from rich.console import Console
from rich.markup import escape

from lucidray.core.errors import LucidrayError
from lucidray.launcher.deidentify_commands import deidentify_app
from lucidray.launcher.lab_commands import embedding_app, robustness_app
from lucidray.launcher.vault_commands import consent_app, erase_app, vault_app

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
config_app = typer.Typer(no_args_is_help=True, help="Settings: a YAML file and the environment.")
key_app = typer.Typer(no_args_is_help=True, help="Secrets of this site.")
case_app = typer.Typer(no_args_is_help=True, help="Cases and studies, through the console's API.")
presets_app = typer.Typer(no_args_is_help=True, help="Feature presets: which features, after which processing.")
app.add_typer(config_app, name="config")
app.add_typer(presets_app, name="presets")
app.add_typer(key_app, name="key")
app.add_typer(deidentify_app, name="deidentify")
app.add_typer(case_app, name="case")
app.add_typer(embedding_app, name="embedding")
app.add_typer(robustness_app, name="robustness")
app.add_typer(vault_app, name="vault")
app.add_typer(consent_app, name="consent")
app.add_typer(erase_app, name="erase")

out = Console()
Data = Annotated[Path, typer.Option(help="Folder for everything that is kept.")]
To = Annotated[str, typer.Option("--to", help="Destination as HOST:PORT.")]
Url = Annotated[str, typer.Option(envvar="LUCIDRAY_CONSOLE_URL", help="Address of the console.")]
DEFAULT_URL = "http://127.0.0.1:8042"


@app.command()
def up(
    data: Annotated[Path | None, typer.Option(help="Folder for everything that is kept; default: core.data.")] = None,
) -> None:
    """Run gateway, control and compute on this machine until Ctrl-C."""
    from lucidray.launcher.up import run_up

    run_up(data)


@app.command(hidden=True)
def run(process: str) -> None:
    """Run one process of `up` in the foreground."""
    from lucidray.launcher.processes import run as run_process

    run_process(process)


@app.command()
def send(
    what: Annotated[str, typer.Argument(help="A folder of DICOM files, or `phantom`.")],
    to: To = "127.0.0.1:11112",
    called: Annotated[str, typer.Option(help="Called AE title.")] = "LUCIDRAY",
    seed: Annotated[int, typer.Option(help="Which phantom.")] = 1,
) -> None:
    """Send a study by C-STORE."""
    from lucidray.launcher.sending import send_study

    sys.exit(0 if send_study(what, to, called, seed, out) else 1)


@app.command()
def pacs(
    directory: Annotated[Path, typer.Argument(help="Where received objects are written.")] = Path("var/pacs"),
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 11113,
    ae_title: Annotated[str, typer.Option(help="AE title.")] = "DEMOPACS",
) -> None:
    """Run a small receiving PACS for demonstrations until Ctrl-C."""
    from lucidray.phantom.pacs import Pacs
    from lucidray.runtime.service import stop_on_signal

    with stop_on_signal() as stop, Pacs(directory, port=port, ae_title=ae_title) as running:
        out.print(f"PACS {ae_title} listens on port {running.port}; objects go to {directory}")
        stop.wait()


@app.command()
def demo(
    study: Annotated[Path | None, typer.Option(envvar="STUDY", help="A folder with a PET/CT study.")] = None,
    data: Data = Path("build/demo"),
) -> None:
    """Send a study through the whole house and check at the PACS what came back."""
    from lucidray.launcher.demo import run_demo

    sys.exit(run_demo(study, data, out))


@app.command()
def features(
    cohort: Annotated[Path | None, typer.Argument(help="A folder of subjects, or a CSV file that lists them.")] = None,
    image: Annotated[list[str] | None, typer.Option(help="[ROLE=]PATH of NIfTI, NRRD or a DICOM folder.")] = None,
    mask: Annotated[Path | None, typer.Option(help="NIfTI, NRRD, RTSTRUCT or SEG; alone: list its regions.")] = None,
    roi: Annotated[str, typer.Option(help="Name, pattern or number of the regions to measure; default: all.")] = "",
    preset: Annotated[str, typer.Option("--preset", "-p", help="Name of a preset, or its YAML file.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A .csv, .parquet or .json file.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Subjects measured at a time, each in a process.")] = 1,
    long: Annotated[bool, typer.Option("--long", help="One row a feature instead of one a lesion.")] = False,
    any_grid: Annotated[bool, typer.Option(help="The mask may be on a grid of its own in the same space.")] = False,
    clinical: Annotated[Path | None, typer.Option(help="CSV file of age, sex, ... by subject, to join.")] = None,
    describe: Annotated[str, typer.Option(help="Explain a feature, filter or family: name, IBSI code or column.")] = "",
) -> None:
    """Measure radiomic features of a lesion or a cohort, with the engine that serves."""
    if describe:
        from lucidray.lab.features.describe import describe as find

        print("\n\n".join(each.text() for each in find(describe)))
        return
    from lucidray.lab.features.command import Request, run

    sys.exit(run(Request(cohort, image or [], mask, roi, preset, output, jobs, long, any_grid, clinical), out))


@presets_app.command("list")
def presets_list() -> None:
    """List the feature presets at hand, with what they measure and their digests."""
    from lucidray.lab.features.preset_command import listed

    out.print(listed())


@presets_app.command("show")
def presets_show(name: str) -> None:
    """Print a preset: its YAML, and its digest as a comment."""
    from lucidray.lab.features.preset_command import shown

    print(shown(name), end="")


@presets_app.command("check")
def presets_check(files: list[str]) -> None:
    """Say what is wrong with presets (names or YAML files), and what the IBSI manual advises against."""
    from lucidray.lab.features.preset_command import checked

    sys.exit(0 if all([checked(file, out) for file in files]) else 1)


@presets_app.command("import")
def presets_import(
    parameters: Annotated[Path, typer.Argument(help="A parameter file of pyradiomics.")],
    modality: Annotated[Literal["CT", "PT", "MR", "OT"], typer.Option(help="A parameter file does not say.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The preset's file; else it is printed.")
    ] = None,
) -> None:
    """Make a preset of a pyradiomics parameter file, and name what it cannot honour."""
    from lucidray.lab.features.preset_command import imported

    text = imported(parameters, modality, output, Console(stderr=True))
    if output is None:
        print(text, end="")


@config_app.command("show")
def config_show() -> None:
    """Print the settings in force."""
    from lucidray.launcher.configuration import effective

    print(yaml.safe_dump(effective(), sort_keys=False), end="")


@config_app.command("check")
def config_check() -> None:
    """Say what is wrong with settings and workflows; ends with 1 if something is."""
    from lucidray.launcher.configuration import check

    out.print(f"settings are right, and so are the workflows: {', '.join(check())}", highlight=False)


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON schema of the configuration file."""
    from lucidray.launcher.configuration import schema

    print(json.dumps(schema(), indent=2))


@key_app.command("new")
def key_new(file: Path) -> None:
    """Write a fresh 256-bit secret to FILE, readable by its owner only."""
    from lucidray.core.identity import write_site_key

    try:
        write_site_key(file)
    except FileExistsError:
        out.print(f"[red]{file} exists; a key is never overwritten: choose another name")
        sys.exit(1)


@case_app.command("list")
def case_list(state: str = "", url: Url = DEFAULT_URL) -> None:
    """List cases, and studies and objects that never became one."""
    from lucidray.console import client

    out.print(client.format_cases(client.list_cases(url, state=state)))


@case_app.command("show")
def case_show(case_id: str, url: Url = DEFAULT_URL) -> None:
    """Show one case: state, steps, cause and remedy."""
    from lucidray.console import client

    out.print(client.format_case(client.show_case(url, case_id)))


@case_app.command("retry")
def case_retry(
    case_id: str,
    from_step: Annotated[str, typer.Option("--from", help="Start at this step; default: the one that failed.")] = "",
    recompute: Annotated[bool, typer.Option(help="Take nothing from earlier runs.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Try a stopped case again."""
    from lucidray.console import client

    client.command(url, case_id, "retry", from_step=from_step, recompute=recompute)


@case_app.command("cancel")
def case_cancel(case_id: str, url: Url = DEFAULT_URL) -> None:
    """Stop a case before its next step."""
    from lucidray.console import client

    client.command(url, case_id, "cancel")


@case_app.command("release")
def case_release(case_id: str, url: Url = DEFAULT_URL) -> None:
    """Look again at a study that is held or that no workflow wanted."""
    from lucidray.console import client

    client.command(url, case_id, "release")


def main() -> None:
    """Entry point: failures print as thing, cause and remedy."""
    try:
        app()
    except LucidrayError as error:
        thing, cause, remedy = (escape(part) for part in (error.thing, error.cause, error.remedy))
        Console(stderr=True).print(f"[bold red]{thing}[/]: {cause}\n  {remedy}", highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
