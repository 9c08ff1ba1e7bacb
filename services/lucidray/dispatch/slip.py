"""Whether the steps of a slip can follow each other: what is wrong with a workflow is said before a study comes."""

from collections.abc import Sequence

from lucidray.contracts.catalogue import ANALYSIS, SELECT, STEPS

DEIDENTIFY = "deidentify"


def check_order(steps: Sequence[str]) -> None:
    """Look at the names of the steps of a slip, all known and each there once.

    Raises
    ------
    ValueError
        Analysis would come before de-identification, a step before one whose output it reads, or after none.
    """
    written_on_slip = {contract.name: step for step in steps for contract in STEPS[step].writes}
    written = {contract.name for contract in SELECT.writes}
    done: set[str] = set()
    for step in steps:
        spec = STEPS[step]
        if spec.zone == ANALYSIS and step != DEIDENTIFY and DEIDENTIFY not in done:
            raise ValueError(f"step '{step}' belongs behind '{DEIDENTIFY}': nothing is analysed under a patient's name")
        reads = [contract.name for contract in spec.reads]
        late = [written_on_slip[name] for name in reads if name in written_on_slip and name not in written]
        if late:
            raise ValueError(f"step '{step}' belongs behind '{late[0]}', whose output it reads")
        if not written.intersection(reads):
            writers = [name for name in STEPS for contract in STEPS[name].writes if contract.name in reads]
            raise ValueError(f"step '{step}' has nothing to work on; put '{writers[-1]}' before it")
        written |= {contract.name for contract in spec.writes}
        done.add(step)
