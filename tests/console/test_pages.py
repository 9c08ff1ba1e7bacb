"""Pages: every state, hostile text, commands, the search for a patient."""

import html
import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.console.conftest import Log
from tests.console.scenes import (
    CANCELLED,
    COMPLETED,
    HOST,
    PARKED,
    QUARANTINED,
    RETRYING,
    RUNNING,
    SITE_KEY,
    START,
    SUPERSEDED,
    Stage,
    Story,
    features,
    prediction,
    regions,
    results,
    study,
)

from lucidray.console.templating import ago, code, duration, unit
from lucidray.contracts.catalogue import FEATURES, PREDICTION, REGIONS
from lucidray.core.case import quality_flag
from lucidray.core.errors import Permanent
from lucidray.runtime.step import Artifact
from lucidray.v1.events_pb2 import CaseState, CommandKind

GAP = Permanent("series of role 'CT'", "2 slices are missing", "re-send the series or allow gaps")
HOSTILE = '<script>alert("x")</script>\'`{{7*7}}'


def in_state(state: CaseState) -> Story:
    """A case that ended up in a state."""
    story = Story().run("deidentify")
    if state in (PARKED, RETRYING, QUARANTINED):
        story.fail(state, GAP)
    elif state in (CANCELLED, SUPERSEDED):
        story.dispatch_says(state)
    elif state == COMPLETED:
        story.run("deliver")
    return story


@pytest.mark.parametrize("state", [RUNNING, RETRYING, PARKED, QUARANTINED, COMPLETED, CANCELLED, SUPERSEDED])
def test_worklist_and_case_page_in_each_state(stage: Stage, state: CaseState) -> None:
    story = in_state(state)
    stage.hear(*story.events)
    name = CaseState.Name(state)[11:].lower()
    case_id = story.case.case_id
    listed, shown = stage.browser.get("/").text, stage.browser.get(f"/cases/{case_id}").text
    for page in (listed, shown):
        assert f'class="badge {name}"' in page
    assert f'href="/cases/{case_id}"' in listed
    if state in (PARKED, RETRYING, QUARANTINED):
        for page in (listed, shown):
            assert GAP.cause in page
            assert GAP.remedy in page


@pytest.mark.parametrize(
    "state", [CaseState.CASE_STATE_COLLECTING, CaseState.CASE_STATE_HELD, CaseState.CASE_STATE_UNMATCHED]
)
def test_studies_without_a_case(stage: Stage, state: CaseState) -> None:
    event = study(1, state, error=GAP)
    stage.hear(event)
    name = CaseState.Name(state)[11:].lower()
    for address in ("/", f"/cases/{event.case_id}"):
        page = stage.browser.get(address).text
        assert f'class="badge {name}"' in page
        assert GAP.remedy in page
    page = stage.browser.get(f"/cases/{event.case_id}").text
    assert ("command=release" in page) == (name != "collecting")


def test_objects_that_were_refused(stage: Stage) -> None:
    event = study(1, CaseState.CASE_STATE_REFUSED, error=GAP)
    event.case_id, event.study_key = "r" + "0" * 24, ""
    stage.hear(event)
    assert GAP.remedy in stage.browser.get("/?state=attention").text
    assert GAP.cause in stage.browser.get(f"/cases/{event.case_id}").text


def test_filters(stage: Stage) -> None:
    parked = Story(2).run("deidentify")
    parked.fail(PARKED, GAP)
    stage.hear(*Story(1).run("deliver").events, *parked.events)
    one, two = (f'href="/cases/c{number:024x}"' for number in (1, 2))
    for query, expected in {
        "": (True, True),
        "?state=attention": (False, True),
        "?state=completed": (True, False),
        "?state=parked": (False, True),
        "?state=nonsense": (True, True),
        f"?q=c{2:024x}": (False, True),
        f"?q={1:032x}": (True, False),
        "?q=zz": (False, False),
    }.items():
        page = stage.browser.get(f"/{query}").text
        assert (one in page, two in page) == expected, query


def test_worklist_goes_on_over_pages(stage: Stage) -> None:
    for number in range(1, 53):
        stage.hear(*Story(number).events)
    first = stage.browser.get("/").text
    assert "1 to 50 of 52" in first
    assert "51 to 52 of 52" in stage.browser.get("/?start=50").text


def test_empty_worklist_says_what_to_do(stage: Stage) -> None:
    assert "No study has arrived yet" in stage.browser.get("/").text


def test_complete_case_shows_everything(stage: Stage) -> None:
    case_id = stage.play(Story())
    page = stage.browser.get(f"/cases/{case_id}").text
    for expected in (
        f"/api/v1/cases/{case_id}/slices/base/4.png",
        f"/api/v1/cases/{case_id}/slices/fused/4.png",
        f"/api/v1/cases/{case_id}/projection.png?index=4",
        "GTV",
        "19.84",  # the maximum, as figure and as feature
        "84IY",
        "42 %",
        "21 % to 66 %",
        "Research use only; n=51",
        "+0.50",
        "-0.21",
        "linear contributions (exact)",
        "passed",
        "pacs",
        "abababababab",  # digest of the bundle
    ):
        assert expected in page, expected


def test_slice_and_features_can_be_chosen_without_script(stage: Stage) -> None:
    case_id = stage.play(Story())
    page = stage.browser.get(f"/cases/{case_id}?slice=7&zoom=true&plain=true&text=joint").text
    assert "/slices/base/7.png?outlines=false&amp;zoom=true" in page
    assert "UR99" in page
    assert "84IY" not in page
    assert "/slices/base/9.png" in stage.browser.get(f"/cases/{case_id}?slice=1000").text


def test_withheld_prediction_says_why(stage: Stage) -> None:
    withheld = prediction(status="withheld", reason="spacing is beyond the limits", probability=None, interval=None)
    written = {**results(), "predict": [Artifact(PREDICTION, withheld, "1")]}
    page = stage.browser.get(f"/cases/{stage.play(Story(), written=written)}").text
    assert "spacing is beyond the limits" in page
    assert "42 %" not in page


def test_case_without_images_yet(stage: Stage) -> None:
    case_id = stage.play(Story(), until="deidentify")
    page = stage.browser.get(f"/cases/{case_id}").text
    assert "No images and numbers yet" in page
    assert stage.browser.get(f"/api/v1/cases/{case_id}/slices/base/0.png").status_code == 404


def test_artifact_that_is_gone_is_a_problem_on_a_page_that_stands(stage: Stage, tmp_path: Path) -> None:
    story = Story().run("deliver")  # nothing of it is in the stores
    stage.hear(*story.events)
    answer = stage.browser.get(f"/cases/{story.case.case_id}")
    assert answer.status_code == 200
    assert "it is not in the store" in answer.text


def test_hostile_text_is_escaped_everywhere(stage: Stage) -> None:
    story = Story(workflow=HOSTILE)
    written = {
        **results(),
        "segment": [Artifact(REGIONS, regions(label=HOSTILE))],
        "quantify": [Artifact(FEATURES, features(name=HOSTILE))],
        "predict": [Artifact(PREDICTION, prediction(outcome_text=HOSTILE, limitations=HOSTILE), "1")],
    }
    stage.play(story, until="encode", written=written)
    story.fail(PARKED, Permanent(HOSTILE, HOSTILE, HOSTILE))
    case_id = story.case.case_id
    event = story.events[-1]
    event.quality.append(quality_flag(HOSTILE, HOSTILE, HOSTILE))
    event.summary[HOSTILE] = HOSTILE
    stage.hear(*story.events)
    addresses = [
        "/",
        f"/?q={HOSTILE}",
        f"/?state={HOSTILE[:20]}",
        f"/cases/{case_id}",
        f"/cases/{case_id}?text={HOSTILE}&family={HOSTILE}&role={HOSTILE}&sent={HOSTILE[:20]}",
        f"/cases/{case_id}/confirm?command=retry",
        f"/cases/{HOSTILE}",
    ]
    for address in addresses:
        page = stage.browser.get(address).text
        assert "<script>alert" not in page, address
    assert html.escape("<script>alert") in stage.browser.get("/").text


def test_pages_hold_no_inline_script_or_style(stage: Stage) -> None:
    case_id = stage.play(Story())
    for address in ("/", f"/cases/{case_id}", f"/cases/{case_id}/confirm?command=retry", "/login", "/nowhere"):
        page = stage.browser.get(address).text
        assert " style=" not in page
        assert "<style" not in page
        assert page.count("<script") == page.count('<script src="/static/console.js')
        assert " onclick" not in page
        assert "http://" not in page.replace("http://www.w3.org", "")


def test_retry_from_a_step_reaches_the_bus(stage: Stage) -> None:
    story = in_state(PARKED)
    stage.hear(*story.events)
    case_id = story.case.case_id
    answer = stage.browser.submit(
        f"/cases/{case_id}/commands",
        {"command": "retry", "from_step": "deidentify", "recompute": "yes"},
        page=f"/cases/{case_id}/confirm?command=retry",
    )
    assert answer.headers["location"] == f"/cases/{case_id}?sent=retry"
    (command,) = stage.sent_commands()
    assert command.kind == CommandKind.COMMAND_KIND_RETRY
    assert (command.case_id, command.from_step, command.recompute) == (case_id, "deidentify", True)
    assert command.actor == "console"
    assert len(command.command_id) == 32
    assert "Asked dispatch to retry" in stage.browser.get(answer.headers["location"]).text


def test_cancel_and_release_reach_the_bus(stage: Stage) -> None:
    story, held = Story(1), study(2, CaseState.CASE_STATE_HELD, 1, GAP)
    stage.hear(*story.events, held)
    for case_id, command in ((story.case.case_id, "cancel"), (held.case_id, "release")):
        confirm = f"/cases/{case_id}/confirm?command={command}"
        assert stage.browser.submit(f"/cases/{case_id}/commands", {"command": command}, page=confirm).is_redirect
    kinds = [(command.kind, command.case_id) for command in stage.sent_commands()]
    assert kinds == [
        (CommandKind.COMMAND_KIND_CANCEL, story.case.case_id),
        (CommandKind.COMMAND_KIND_RELEASE, held.case_id),
    ]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"command": "cancel"}, 409),  # it has ended
        ({"command": "release"}, 409),
        ({"command": "retry", "from_step": "nonsense"}, 409),
        ({"command": "explode"}, 409),
        ({}, 409),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_remedy(stage: Stage, fields: dict[str, str], status: int) -> None:
    story = in_state(COMPLETED)
    stage.hear(*story.events)
    answer = stage.browser.submit(f"/cases/{story.case.case_id}/commands", fields)
    assert answer.status_code == status
    assert "What to do" in answer.text
    assert stage.sent_commands() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_commands_from_foreign_pages_are_refused(stage: Stage, headers: dict[str, str]) -> None:
    story = Story()
    stage.hear(*story.events)
    answer = stage.browser.submit(f"/cases/{story.case.case_id}/commands", {"command": "cancel"}, headers=headers)
    assert answer.status_code == 403
    assert stage.sent_commands() == []


@pytest.mark.parametrize("token", [{}, {"token_of_form": "0" * 32}])
def test_forms_without_their_token_are_refused(stage: Stage, token: dict[str, str]) -> None:
    story = Story()
    stage.hear(*story.events)
    stage.browser.get("/")  # the cookie is there
    address = f"/cases/{story.case.case_id}/commands"
    answer = stage.browser.call("POST", address, data={"command": "cancel", **token})
    assert answer.status_code == 403
    assert stage.sent_commands() == []


def test_own_page_is_not_foreign(stage: Stage) -> None:
    story = Story()
    stage.hear(*story.events)
    headers = {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}
    answer = stage.browser.submit(f"/cases/{story.case.case_id}/commands", {"command": "cancel"}, headers=headers)
    assert answer.status_code == 303


def test_patient_is_found_and_the_id_stays_nowhere(
    stage: Stage, tmp_path: Path, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.hear(*Story(1).events, *Story(2).events)
    answer = stage.browser.submit("/patients", {"patient_id": " PATIENT-2 "})
    address = answer.headers["location"]
    assert address == f"/?patient={SITE_KEY.patient('PATIENT-2')}"
    page = stage.browser.get(address).text
    assert f"c{2:024x}" in page
    assert f"c{1:024x}" not in page
    stage.browser.submit("/patients", {"patient_id": "PATIENT-2", "issuer": "HOSPITAL-X"})
    captured = capsys.readouterr()
    secrets = ("PATIENT-2", "HOSPITAL-X")
    seen = [
        address,
        page,
        captured.out,
        captured.err,
        *log.lines,
        str(answer.headers),
        stage.browser.get("/metrics").text,
    ]
    seen += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    for text in seen:
        assert not any(secret in text for secret in secrets)


def test_patient_search_needs_the_site_key(tmp_path: Path) -> None:
    stage = Stage(tmp_path, site_key=None)
    assert "Patient ID" not in stage.browser.get("/").text
    answer = stage.browser.submit("/patients", {"patient_id": "PATIENT-1"}, page="/cases/none")
    assert answer.status_code == 422
    assert "PATIENT-1" not in answer.text
    stage.close()


def test_empty_patient_search_shows_all(stage: Stage) -> None:
    assert stage.browser.submit("/patients", {"patient_id": "  "}).headers["location"] == "/"


@pytest.mark.parametrize("body", [b"x=" + b"a" * 5000, b"\xff\xfe=1", b"&".join(b"a=1" for _ in range(50))])
def test_forms_that_are_none_of_ours(stage: Stage, body: bytes) -> None:
    answer = stage.browser.call("POST", "/patients", content=body)
    assert answer.status_code == 422


def test_theme_is_remembered_and_leads_back(stage: Stage) -> None:
    answer = stage.browser.submit("/theme", {"theme": "dark", "back": "/?state=attention"})
    assert answer.headers["location"] == "/?state=attention"
    assert 'data-theme="dark"' in stage.browser.get("/").text
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example"):
        assert stage.browser.submit("/theme", {"theme": "x", "back": elsewhere}).headers["location"] == "/"
    assert 'data-theme="auto"' in stage.browser.get("/").text


def test_unknown_pages_and_wrong_values(stage: Stage) -> None:
    assert stage.browser.get("/cases/c0").status_code == 404
    assert stage.browser.get("/nowhere").status_code == 404
    wrong = stage.browser.get("/?start=PATIENT-7")
    assert wrong.status_code == 422
    assert "PATIENT-7" not in wrong.text


def test_unexpected_failures_show_no_inner_text(stage: Stage, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:

    def fail(*_: object) -> None:
        raise ValueError("PATIENT-9 in a library's message")

    monkeypatch.setattr(stage.worklist, "find", fail)
    page, answer = stage.browser.get("/"), stage.browser.get("/api/v1/cases")
    assert (page.status_code, answer.status_code) == (500, 500)
    assert json.loads(answer.text)["remedy"] == "see the console's log"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert len(log.lines) == 2
    assert "request-failed" in log.lines[0]  # the logger reduces the error to its class
    assert "PATIENT-9" not in page.text + answer.text


def test_words_for_times_units_and_code() -> None:
    assert [ago(START, START + timedelta(seconds=seconds)) for seconds in (1, 40, 150, 7300, 200000)] == [
        "just now",
        "40 s ago",
        "2 min ago",
        "2 h ago",
        "2 d ago",
    ]
    assert [duration(seconds) for seconds in (0.214, 31.7, 150)] == ["0.21 s", "32 s", "2 min 30 s"]
    assert [unit(each) for each in ("1", "[hnsf'U]", "{SUVbw}g/ml", "mm3")] == ["", "HU", "g/ml", "mm3"]
    assert code("use `a<b`, then `c`") == "use <code>a&lt;b</code>, then <code>c</code>"
    assert code("a lone ` and <") == "a lone ` and &lt;"
