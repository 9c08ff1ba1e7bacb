"""The commands `lucidray embedding layers` and `lucidray embedding pack`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from rich.console import Console
from rich.table import Table

from lucidray.core.errors import Permanent
from lucidray.lab.embedding.cohort import embed_subject, gather, redundancy, roles_as_preset
from lucidray.lab.embedding.layers import tensors
from lucidray.lab.embedding.pack import Normalisation, freeze, with_layers
from lucidray.lab.features.cohort import read_cohort
from lucidray.lab.features.places import check_place, part_of
from lucidray.lab.features.run import progress_bar
from lucidray.serving.bundle import MODEL, Bundle, load_bundle


@dataclass(frozen=True)
class Request:
    """What was asked on the command line."""

    bundle: Path
    output: Path
    version: str
    layers: Sequence[str]  # NAME=TENSOR, fine to rough
    normalisation: Normalisation
    cohort: Path | None
    data: str  # what the cohort is, in words


def layers_table(folder: Path) -> Table:
    """The results inside a bundle's network that can be pooled."""
    bundle = load_bundle(folder)
    manifest = bundle.manifest
    if manifest.inference is None:
        raise Permanent(f"bundle '{bundle.name}'", "it has no section 'inference'", "only image bundles embed")
    table = Table("tensor", "operation", "channels", "stride (z, y, x)", title=f"{bundle.name} {bundle.version}")
    for tensor in tensors(bundle.read(MODEL), len(manifest.inputs), manifest.inference.patch):
        steps = zip(manifest.inference.patch, tensor.shape[2:], strict=False)
        stride = " x ".join(f"{size / length:g}" for size, length in steps)
        table.add_row(tensor.name, tensor.operation, str(tensor.shape[1]), stride or "whole window")
    return table


def pack(request: Request, console: Console) -> Bundle:
    """Make the bundle, and freeze the statistics of the cohort where one is given.

    Raises
    ------
    Permanent
        A layer is not in the network, z-scores are asked for without a cohort, a subject cannot be embedded, or the
        output is there already. Nothing is written then.
    """
    if request.normalisation == "zscore" and request.cohort is None:
        raise Permanent("normalisation zscore", "it needs a training cohort", "give --cohort")
    pairs = [each.partition("=") for each in request.layers]
    if not pairs or not all(name and tensor for name, _, tensor in pairs):
        raise Permanent("option --layer", "it is not NAME=TENSOR", "see `lucidray embedding layers`")
    layers = {name: tensor for name, _, tensor in pairs}
    if len(layers) < len(pairs):
        raise Permanent("option --layer", "it gives two tensors one name", "name each layer once")
    if request.output.exists():
        raise Permanent(f"bundle folder {request.output.name}", "it is there already", "name a new one, or remove it")
    check_place(request.output)
    bare: Normalisation = "none" if request.cohort else request.normalisation
    part = part_of(request.output)
    try:  # a bundle whose statistics are not frozen yet is no bundle to be found
        bundle = with_layers(load_bundle(request.bundle), part, request.version, layers, bare)
        if request.cohort is not None:
            _freeze(bundle, request, request.cohort, console)
        part.replace(request.output)
    finally:
        rmtree(part, ignore_errors=True)
    bundle = load_bundle(request.output)
    console.print(f"{bundle.name} {bundle.version} {bundle.digest} in {bundle.folder}", highlight=False)
    return bundle


def _freeze(bundle: Bundle, request: Request, path: Path, console: Console) -> None:
    subjects = read_cohort(path, roles_as_preset(bundle))
    found = []
    with progress_bar(console) as progress:
        bar = progress.add_task("embedded", total=len(subjects), failed="")
        for subject in subjects:
            found += embed_subject(bundle, subject)
            progress.update(bar, advance=1)
    cohort = gather(found)
    alike = sum(each.redundant for each in redundancy(cohort))
    console.print(
        f"{len(cohort.volume)} lesions, {len(cohort.components)} components; "
        f"{alike} of them say what volume or mean intensity says",
        highlight=False,
    )
    freeze(bundle, cohort, request.normalisation, request.data)
