"""The commands `lucidray robustness` and `lucidray embedding`."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

robustness_app = typer.Typer(no_args_is_help=True, help="How far features can be trusted: ICC of each.")
embedding_app = typer.Typer(no_args_is_help=True, help="Deep features: layers of a bundle's network.")

out = Console()
Cohort = Annotated[Path, typer.Argument(help="A folder of subjects, or a CSV file that lists them.")]
PresetName = Annotated[str, typer.Option("--preset", "-p", help="Name of a preset, or its YAML file.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="A .csv file; the picture goes beside it as .png.")]
Roi = Annotated[str, typer.Option(help="Name, pattern or number of the regions; default: all.")]
Jobs = Annotated[int, typer.Option(min=1, help="Subjects measured at a time, each in a process.")]
AnyGrid = Annotated[bool, typer.Option(help="Masks may be on grids of their own in the same space.")]


@robustness_app.command("perturb")
def robustness_perturb(
    cohort: Cohort,
    preset: PresetName,
    output: Output,
    chain: Annotated[str, typer.Option(help="Rotation, Translation, Noise, Volume, Contour.")] = "RTNVC",
    repeats: Annotated[int, typer.Option(min=2, help="Draws of the chain for each lesion.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 1,
    roi: Roi = "",
    jobs: Jobs = 1,
    any_grid: AnyGrid = False,
) -> None:
    """Measure every lesion under perturbations that ought not to matter."""
    from lucidray.lab.robustness.command import Request, perturb

    sys.exit(perturb(Request(cohort, preset, output, roi, jobs, any_grid), chain, repeats, seed, out))


@robustness_app.command("readers")
def robustness_readers(
    cohort: Cohort, preset: PresetName, output: Output, roi: Roi = "", jobs: Jobs = 1, any_grid: AnyGrid = False
) -> None:
    """Compare readers: every region or mask that the listing gives a subject is one reader's, in the same order."""
    from lucidray.lab.robustness.command import Request, readers

    sys.exit(readers(Request(cohort, preset, output, roi, jobs, any_grid), out))


@embedding_app.command("layers")
def embedding_layers(bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")]) -> None:
    """List what a bundle's network computes on the way, and on which grid: the layers to choose from."""
    from lucidray.lab.embedding.command import layers_table

    out.print(layers_table(bundle))


@embedding_app.command("pack")
def embedding_pack(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    output: Annotated[Path, typer.Argument(help="Folder of the bundle to make.")],
    version: Annotated[str, typer.Option(help="Of the bundle to make, e.g. 1.1.0.")],
    layer: Annotated[list[str], typer.Option(help="NAME=TENSOR, fine to rough; several times.")],
    normalisation: Annotated[Literal["none", "zscore", "l2"], typer.Option(help="zscore needs a cohort.")] = "none",
    cohort: Annotated[Path | None, typer.Option(help="Lesions whose statistics are frozen into the bundle.")] = None,
    data: Annotated[str, typer.Option(help="What the cohort is, for the card.")] = "a cohort that was not named",
) -> None:
    """Make a bundle that embeds regions, from one whose network has the layers."""
    from lucidray.lab.embedding.command import Request, pack

    pack(Request(bundle, output, version, layer, normalisation, cohort, data), out)
