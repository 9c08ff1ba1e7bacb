"""De-identification: what leaks through us and through others, by category, and how much of a scan stays.

The corpus is made from a seed that is drawn for the run; `--seed` repeats one. Times of day and sizes that an option of
PS3.15 lets stay are no leak, for anybody. A peer that is not installed is named and left out.
"""

import argparse
import hashlib
import json
import secrets
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import track
from rich.table import Table
from tests.bench.table import BUILD
from tests.deidentify.adversary.checker import Checker, Result
from tests.deidentify.adversary.corpus import PlantedFile, make_corpus
from tests.deidentify.adversary.expected import Action
from tests.deidentify.adversary.scoring import Score, score
from tests.deidentify.adversary.tools import Tool, copy, engine, lucidray, peers, run

NAME = "leaks"
WIDTH = 180  # of the tables: a column a tool
MAX_LEAKS, MIN_SCORE = 0, 99.95  # of clinical-ai; the best of the ten teams of MIDI-B reached 99.93 % on its data
PROFILES = ("clinical-ai", "research-export", "basic")
OURS = "lucidray clinical-ai"


@dataclass(frozen=True)
class Measured:
    """A tool over the corpus."""

    tool: str
    given: int  # files
    result: Result
    score: Score


def measure(tool: Tool, corpus: list[PlantedFile], checker: Checker) -> Measured:
    """Run a tool, search and score what it gives."""
    outputs = run(tool, corpus)
    result = checker.check(outputs, lenient=True)
    return Measured(tool.name, len(outputs), result, score(corpus, outputs, result))


def leaks_table(corpus: list[PlantedFile], measured: Sequence[Measured]) -> Table:
    """Leaked identifiers by category."""
    table = Table("category", "planted", *(each.tool for each in measured), title="identifiers that came out")
    for category, tally in measured[0].result.categories.items():
        cells = (str(each.result.categories[category].leaked or "") for each in measured)
        table.add_row(category, str(tally.planted), *cells)
    table.add_section()
    total = measured[0].result.total.planted
    table.add_row("all", str(total), *(str(each.result.total.leaked) for each in measured))
    table.add_row("of them held back", "", *(str(each.result.total.withheld) for each in measured))
    table.add_row("files given", str(len(corpus)), *(str(each.given) for each in measured))
    return table


def score_table(measured: Sequence[Measured]) -> Table:
    """Checks passed by action, in per cent."""
    table = Table("action", "checks", *(each.tool for each in measured), title="MIDI-B style score, % of checks passed")
    for action in Action:
        count = measured[0].score.passed[action] + measured[0].score.failed[action]
        table.add_row(
            action.value, str(count), *(f"{100 * each.score.passed[action] / count:.2f}" for each in measured)
        )
    table.add_section()
    table.add_row("all", str(measured[0].score.checks), *(f"{each.score.percent:.3f}" for each in measured))
    return table


def _content(seed: str, digest: str, measured: Sequence[Measured]) -> dict[str, object]:
    tools = {
        each.tool: {
            "leaked": {name: tally.leaked for name, tally in each.result.categories.items()},
            "planted": {name: tally.planted for name, tally in each.result.categories.items()},
            "withheld": each.result.total.withheld,
            "files": each.given,
            "score": each.score.percent,
            "passed": {action.value: each.score.passed[action] for action in Action},
            "checks": {action.value: each.score.passed[action] + each.score.failed[action] for action in Action},
        }
        for each in measured
    }
    return {"name": NAME, "seed": seed, "corpus_sha256": digest, "tools": tools}


def main() -> None:
    """Print the tables, write build/bench/leaks.json, exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", default=secrets.token_hex(8), help="repeat the corpus of an earlier run")
    parser.add_argument("--ours", action="store_true", help="without peers")
    options = parser.parse_args()
    console = Console(width=max(WIDTH, Console().width))
    ours = [copy(), lucidray("clinical-ai"), *map(engine, PROFILES)]
    others = [] if options.ours else peers()
    absent = [tool.name for tool in others if not tool.present]
    corpus = make_corpus(options.seed)
    digest = hashlib.sha256(b"".join(each.data for each in corpus)).hexdigest()
    checker = Checker(corpus)
    tools = [*ours, *(tool for tool in others if tool.present)]
    measured = [measure(tool, corpus, checker) for tool in track(tools, "de-identifying", console=console)]
    console.print(leaks_table(corpus, measured), score_table(measured))
    console.print(f"seed {options.seed}, corpus sha256 {digest[:16]}; left out, not installed: {absent or 'none'}")
    mine = next(each for each in measured if each.tool == OURS)
    missed = Counter((check.action.value, check.path) for _, check in mine.score.failures)
    for (action, path), count in missed.most_common(20):
        console.print(f"{OURS} fails {action} {path}: {count}", markup=False)
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / f"{NAME}.json").write_text(json.dumps(_content(options.seed, digest, measured), indent=2))
    met = mine.result.total.leaked <= MAX_LEAKS and mine.score.percent >= MIN_SCORE
    console.print(f"goal: {MAX_LEAKS} leaks and a score of at least {MIN_SCORE} %: {'met' if met else 'MISSED'}")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
