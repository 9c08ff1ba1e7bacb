"""The way back of results that were made on exported folders: the step `reidentify` without a house around it."""

from collections import defaultdict
from pathlib import Path

from pydicom.tag import Tag

from lucidray.contracts.catalogue import RESULTS
from lucidray.contracts.parameters import ReidentifyParameters
from lucidray.core.errors import Permanent
from lucidray.deidentify import dicomfile
from lucidray.deidentify.elements import text_of
from lucidray.deidentify.folders.intake import files_in
from lucidray.deidentify.folders.keys import WORKFLOW, Kept
from lucidray.deidentify.reidentify import Reidentify
from lucidray.deidentify.source import Source
from lucidray.deidentify.study import unreadable
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs


def restore_folder(source: Path, target: Path, keys: Kept) -> int:
    """Give results their patients back; how many there were. All of a study, or none.

    Raises
    ------
    Permanent
        A file cannot be read, or a result is in `target` already.
    Refused
        A result refers to something that the vault does not know, or the vault knows nothing of its study.
    """
    results: dict[str, list[bytes]] = defaultdict(list)
    for number, path in enumerate(files_in(source), 1):
        data = path.read_bytes()
        try:
            with dicomfile.quietly():
                study = text_of(Source.of(data).header(), Tag("StudyInstanceUID"))
        except Exception as error:
            raise unreadable(f"file {number}", error) from None
        results[study].append(data)
    target.mkdir(parents=True, exist_ok=True)
    for number, (study, objects) in enumerate(results.items(), 1):
        row = keys.row_of(study)
        case = CaseFacts(row.case_id, row.study_key, 1, row.patient_key, WORKFLOW)
        inputs = GivenInputs([Artifact(RESULTS, objects)])
        (restored,) = Reidentify(keys.site_key, keys.vault).run(case, inputs, ReidentifyParameters()).artifacts
        for index, data in enumerate(restored.value, 1):
            path = target / f"{number}-{index}.dcm"
            if path.exists():
                raise Permanent(f"file {path}", "it is there already", "name a new folder")
            path.write_bytes(data)
    return sum(map(len, results.values()))
