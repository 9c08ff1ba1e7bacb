"""The commands `lucidray vault`, `lucidray consent` and `lucidray erase`."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from lucidray.deidentify.consent import Register

vault_app = typer.Typer(no_args_is_help=True, help="The vault: its keys, and who looked into it.")
consent_app = typer.Typer(no_args_is_help=True, help="The register of patients who opted out.")
erase_app = typer.Typer(no_args_is_help=True, help="Erase what there is about a patient.")

out = Console()
PatientID = Annotated[
    str, typer.Argument(help="PatientID; if not given it is asked for, and stays out of the shell's history.")
]
Issuer = Annotated[str, typer.Option(help="IssuerOfPatientID, as the objects name it.")]
WorkflowName = Annotated[str, typer.Option(help="Name of the workflow; default: every one.")]


@vault_app.command("rotate")
def vault_rotate() -> None:
    """Seal every row by the first key of the key file. Runs beside the services; run again, it goes on."""
    from rich.progress import Progress

    from lucidray.deidentify.opened import open_vault, vault_keys
    from lucidray.deidentify.rotation import rotate, waiting

    vault, keys = open_vault(_person()), vault_keys()
    with Progress(console=out) as progress:
        task = progress.add_task("re-wrapping", total=waiting(vault, keys))
        result = rotate(vault, keys, lambda rows: progress.advance(task, rows))
    out.print(f"{result.rows} rows are now under key {result.key_id}.")
    if not result.old_keys_may_go:
        out.print(f"[red]{result.damaged} rows do not open and were left: restore them from the backup, rotate again.")
        raise typer.Exit(1)
    out.print("No row needs a former key any more: its line may leave the key file.")


@vault_app.command("audit")
def vault_audit(
    subject: Annotated[str, typer.Argument(help="A case, patient key or key id; default: all.")] = "",
    limit: Annotated[int, typer.Option(help="How many, the latest.")] = 100,
) -> None:
    """List who looked into the vault or changed it."""
    from lucidray.deidentify.accesslog import accesses
    from lucidray.deidentify.opened import open_vault

    with open_vault(_person()).begin() as connection:
        found = accesses(connection, subject, limit)
    table = Table("at", "who", "did", "about", "outcome")
    for each in found:
        table.add_row(each.at.isoformat(timespec="seconds"), each.actor, each.action, each.subject, each.outcome)
    out.print(table)


@consent_app.command("opt-out")
def consent_opt_out(patient_id: PatientID = "", issuer: Issuer = "", workflow: WorkflowName = "*") -> None:
    """Refuse every further case of a patient, under a workflow or at all. Without an issuer: whatever the issuer."""
    key = _patient_key(patient_id, issuer)
    new = _register().opt_out(key, workflow)
    out.print(f"Patient {key} {'has opted out' if new else 'had opted out before'} of {_named(workflow)}.")


@consent_app.command("opt-in")
def consent_opt_in(patient_id: PatientID = "", issuer: Issuer = "", workflow: WorkflowName = "*") -> None:
    """Take an opt-out back."""
    key = _patient_key(patient_id, issuer)
    if not _register().opt_in(key, workflow):
        out.print(f"[red]Patient {key} is not entered for {_named(workflow)}; see `lucidray consent list`.")
        raise typer.Exit(1)
    out.print(f"Patient {key} has opted in to {_named(workflow)} again.")


@consent_app.command("list")
def consent_list() -> None:
    """List the entries; patients by their opaque keys."""
    table = Table("patient", "workflow", "since")
    for entry in _register().entries():
        table.add_row(entry.patient_key, entry.workflow, entry.since.isoformat(timespec="seconds"))
    out.print(table)


@erase_app.command("patient")
def erase_patient(
    patient_id: PatientID = "",
    issuer: Issuer = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a patient's rows in the vault, all artifacts of their cases and their raw objects; print the receipt."""
    from lucidray.deidentify.opened import open_vault
    from lucidray.launcher.erasing import erase, scope

    key, vault = _patient_key(patient_id, issuer), open_vault(_person())
    found = scope(vault, key)
    out.print(f"Patient {key}: {len(found.cases)} cases, {len(found.studies)} studies.", highlight=False)
    if not yes:
        typer.confirm("Erase all of it? There is no way back", abort=True)
    print(erase(vault, key, found).model_dump_json(indent=2))


@erase_app.command("receipts")
def erase_receipts() -> None:
    """Print the receipts of all erasures, one a line."""
    from lucidray.deidentify.erasure import receipts
    from lucidray.deidentify.opened import open_vault

    for receipt in receipts(open_vault(_person())):
        print(receipt.model_dump_json())


def _patient_key(patient_id: str, issuer: str) -> str:
    from lucidray.core.settings import CoreSettings

    return CoreSettings.load().site_key().patient(patient_id or typer.prompt("PatientID", hide_input=True), issuer)


def _register() -> "Register":
    from lucidray.deidentify.consent import Register
    from lucidray.deidentify.opened import open_vault

    return Register(open_vault(_person()))


def _named(workflow: str) -> str:
    return "every workflow" if workflow == "*" else f"workflow '{workflow}'"


def _person() -> str:
    return f"user {getpass.getuser()}"[:64]
