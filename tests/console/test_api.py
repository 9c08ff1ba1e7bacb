"""The JSON API, its pictures and its description."""

import csv
import io

import numpy as np
import pytest
from PIL import Image
from tests.console.scenes import PARKED, Browser, Stage, Story

from lucidray.core.errors import Permanent
from lucidray.v1.events_pb2 import CommandKind


def picture(stage: Stage, address: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    answer = stage.browser.get(address)
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_list_and_show(stage: Stage) -> None:
    parked = Story(2).run("deidentify")
    parked.fail(PARKED, Permanent("a", "b", "c"))
    stage.hear(*Story(1).events, *parked.events)
    answer = stage.browser.get("/api/v1/cases").json()
    assert answer["total"] == 2
    assert answer["counts"] == {"running": 1, "parked": 1}
    only = stage.browser.get("/api/v1/cases?state=parked&state=held").json()["cases"]
    assert [case["case_id"] for case in only] == [parked.case.case_id]
    shown = stage.browser.get(f"/api/v1/cases/{parked.case.case_id}").json()
    assert (shown["thing"], shown["cause"], shown["remedy"]) == ("a", "b", "c")
    assert [step["state"] for step in shown["steps"]][:3] == ["done", "failed", "pending"]


def test_unknown_case_is_told_as_thing_cause_remedy(stage: Stage) -> None:
    answer = stage.browser.get("/api/v1/cases/c0")
    assert answer.status_code == 404
    assert set(answer.json()) == {"thing", "cause", "remedy"}


@pytest.mark.parametrize("offset", ["-1", "9223372036854775808", "9" * 23])
def test_an_offset_that_no_database_counts_to_is_a_wrong_request(stage: Stage, offset: str) -> None:
    answer = stage.browser.get(f"/api/v1/cases?offset={offset}")
    assert answer.status_code == 422
    assert set(answer.json()) == {"thing", "cause", "remedy"}
    assert stage.browser.get("/api/v1/cases?offset=9223372036854775807").json()["cases"] == []


def test_an_event_id_that_no_database_counts_to_is_a_wrong_request(stage: Stage) -> None:
    assert stage.browser.call("GET", "/api/v1/events", headers={"Last-Event-ID": "9" * 20}).status_code == 422


def test_command(stage: Stage) -> None:
    story = Story()
    stage.hear(*story.events)
    address = f"/api/v1/cases/{story.case.case_id}/commands"
    answer = stage.browser.call("POST", address, json={"command": "cancel", "actor": "someone"})
    assert answer.status_code == 202
    (command,) = stage.sent_commands()
    assert (command.command_id, command.actor) == (answer.json()["command_id"], "someone")
    assert command.kind == CommandKind.COMMAND_KIND_CANCEL


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"command": "retry"}, 409),  # it runs
        ({"command": "explode"}, 422),
        ({"command": "cancel", "actor": "Jane Doe <x>"}, 422),
        ({"command": "cancel", "unknown": 1}, 422),
    ],
)
def test_commands_that_cannot_be(stage: Stage, body: dict[str, object], status: int) -> None:
    story = Story()
    stage.hear(*story.events)
    answer = stage.browser.call("POST", f"/api/v1/cases/{story.case.case_id}/commands", json=body)
    assert answer.status_code == status
    assert "Jane" not in answer.text
    assert stage.sent_commands() == []


def test_command_from_a_foreign_page_is_refused(stage: Stage) -> None:
    story = Story()
    stage.hear(*story.events)
    foreign = Browser(stage.app, {"Origin": "http://evil.example"})
    address = f"/api/v1/cases/{story.case.case_id}/commands"
    assert foreign.call("POST", address, json={"command": "cancel"}).status_code == 403
    # A form of a foreign page can send text without asking first; it must not count as JSON.
    plain = stage.browser.call(
        "POST", address, content=b'{"command": "cancel"}', headers={"Content-Type": "text/plain"}
    )
    assert plain.status_code == 422
    assert stage.sent_commands() == []


def test_features_as_csv(stage: Stage) -> None:
    case_id = stage.play(Story())
    answer = stage.browser.get(f"/api/v1/cases/{case_id}/features.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["ibsi_code"], row["value"]) for row in rows] == [("84IY", "19.84"), ("UR99", "")]
    assert rows[0]["preset"] == "ibsi-pet-ct"
    assert "attachment" in answer.headers["content-disposition"]


def test_features_that_do_not_exist_yet(stage: Stage) -> None:
    case_id = stage.play(Story(), until="segment")
    assert stage.browser.get(f"/api/v1/cases/{case_id}/features.csv").status_code == 404


def test_slices(stage: Stage) -> None:
    root = f"/api/v1/cases/{stage.play(Story())}/slices"
    base, fused = picture(stage, f"{root}/base/4.png"), picture(stage, f"{root}/fused/4.png")
    plain = picture(stage, f"{root}/base/4.png?outlines=false")
    assert base.shape == fused.shape == plain.shape
    assert (base != plain).any()
    assert (base != fused).any()
    assert (plain[:, :, 0] == plain[:, :, 2]).all()  # grey without outlines
    assert (picture(stage, f"{root}/base/4.png?zoom=true") != base).any()


def test_projection(stage: Stage) -> None:
    case_id = stage.play(Story())
    marked = picture(stage, f"/api/v1/cases/{case_id}/projection.png?index=2")
    assert (marked != picture(stage, f"/api/v1/cases/{case_id}/projection.png")).any()


@pytest.mark.parametrize("address", ["base/10.png", "base/-1.png", "unknown/4.png"])
def test_slices_that_do_not_exist(stage: Stage, address: str) -> None:
    case_id = stage.play(Story())
    assert stage.browser.get(f"/api/v1/cases/{case_id}/slices/{address}").status_code == 404


def test_pictures_follow_a_recomputation(stage: Stage) -> None:
    story = Story()
    case_id = stage.play(story)
    before = stage.browser.get(f"/cases/{case_id}").text
    story.retry("segment", recompute=True)
    stage.hear(*story.events)
    page = stage.browser.get(f"/cases/{case_id}").text
    assert "No regions yet" in page
    version = before.split('data-version="')[1][:12]
    assert version not in page


def test_description(stage: Stage) -> None:
    described = stage.browser.get("/api/v1/openapi.json").json()
    assert set(described["paths"]) == {
        "/api/v1/cases",
        "/api/v1/cases/{case_id}",
        "/api/v1/cases/{case_id}/commands",
        "/api/v1/cases/{case_id}/features.csv",
        "/api/v1/cases/{case_id}/projection.png",
        "/api/v1/cases/{case_id}/slices/{layer}/{index}.png",
        "/api/v1/events",
    }


def test_health_and_metrics(stage: Stage) -> None:
    stage.hear(*Story().events)
    assert stage.browser.get("/healthz").status_code == 200
    assert stage.browser.get("/readyz").status_code == 200
    assert 'lucidray_ledger_events_total{result="new"}' in stage.browser.get("/metrics").text
