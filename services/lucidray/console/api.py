"""The JSON API. Its description (OpenAPI) is at /api/v1/openapi.json."""

import csv
import io
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from lucidray.console import live
from lucidray.console.commands import Command
from lucidray.console.context import Context, Here
from lucidray.console.overlay import SIZE, render_projection, render_slice, to_png
from lucidray.console.view import CaseView, State
from lucidray.console.worklist import Query as CaseQuery
from lucidray.console.worklist import Unknown
from lucidray.contracts.results import Feature, Features

router = APIRouter(prefix="/api/v1")

# A picture's address carries the version of what it shows, so a browser may keep it for a while.
PICTURE_HEADERS = {"Cache-Control": "private, max-age=600"}
MAX_CASES = 500
MAX_OFFSET = (1 << 63) - 1  # of a database's BIGINT
REVISION_DIGITS = 18  # so many always fit into a BIGINT
CaseId = Annotated[str, Path(max_length=100)]
EventId = Annotated[str, Header(max_length=REVISION_DIGITS)]


class CaseList(BaseModel):
    """Cases, those that changed last first."""

    total: int
    cases: list[CaseView]
    counts: dict[State, int] = Field(description="Number of all cases in each state")


class CommandRequest(BaseModel):
    """What is asked of a case."""

    model_config = ConfigDict(extra="forbid")

    command: Command
    from_step: str = Field("", max_length=100, description="retry: start at this step; empty: the one that failed")
    recompute: bool = Field(False, description="retry: take nothing from earlier runs")
    actor: str = Field("api", max_length=100, pattern=r"^[A-Za-z0-9_.@-]+$", description="Who asks; it is logged")


class CommandAccepted(BaseModel):
    """Dispatch will do it, or say in the log why not."""

    command_id: str


@router.get("/cases")
def list_cases(
    context: Here,
    state: Annotated[list[State] | None, Query()] = None,
    q: Annotated[str, Query(max_length=100, description="Prefix of a case id or a study key")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_CASES)] = 100,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
) -> CaseList:
    """Find cases."""
    page = context.worklist.find(CaseQuery(states=state or (), prefix=q, limit=limit, offset=offset))
    return CaseList(total=page.total, cases=page.cases, counts=context.worklist.counts())


@router.get("/cases/{case_id}")
def show_case(context: Here, case_id: CaseId) -> CaseView:
    """One case."""
    return context.worklist.case(case_id)


@router.post("/cases/{case_id}/commands", status_code=202)
def command(context: Here, case_id: CaseId, wanted: CommandRequest) -> CommandAccepted:
    """Ask dispatch to retry, cancel or release."""
    case = context.worklist.case(case_id)
    return CommandAccepted(
        command_id=context.commands.send(
            case, wanted.command, actor=wanted.actor, from_step=wanted.from_step, recompute=wanted.recompute
        )
    )


@router.get("/cases/{case_id}/features.csv", response_class=Response)
def features(context: Here, case_id: CaseId) -> Response:
    """All features as CSV (RFC 4180)."""
    case = context.worklist.case(case_id)
    findings = context.artifacts.findings(case)
    if findings.problems:
        raise findings.problems[0]
    if findings.features is None:
        raise Unknown(f"features of case {case_id}", "no step has measured them yet", "wait for `quantify`")
    headers = {"Content-Disposition": f'attachment; filename="features-{case.case_id}.csv"'}
    return Response(to_csv(findings.features), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/cases/{case_id}/slices/{layer}/{index}.png", response_class=Response)
def slice_picture(
    context: Here, case_id: CaseId, layer: str, index: int, outlines: bool = True, zoom: bool = False
) -> Response:
    """One axial slice as PNG. `layer`: base, uptake or fused; `index` counts from the lowest slice."""
    images = context.artifacts.images(context.worklist.case(case_id))
    if layer not in ("base", "uptake", "fused") or not 0 <= index < images.slices:
        raise Unknown(
            "slice", "the case has no such slice", f"choose base, uptake or fused and 0 to {images.slices - 1}"
        )
    picture = render_slice(images, index, layer, outlines=outlines, zoom=zoom, size=SIZE)
    return Response(to_png(picture), media_type="image/png", headers=PICTURE_HEADERS)


@router.get("/cases/{case_id}/projection.png", response_class=Response)
def projection_picture(context: Here, case_id: CaseId, index: int | None = None) -> Response:
    """The PET's maximum intensity projection as PNG, with slice `index` marked."""
    picture = render_projection(context.artifacts.images(context.worklist.case(case_id)), index)
    if picture is None:
        raise Unknown("projection", "the case has no PET", "look at its slices")
    return Response(to_png(picture), media_type="image/png", headers=PICTURE_HEADERS)


@router.get("/events", response_class=StreamingResponse)
async def events(request: Request, last_event_id: EventId = "") -> StreamingResponse:
    """Changes as server-sent events, from now on or after `Last-Event-ID`."""
    context: Context = request.app.state.context
    since = int(last_event_id) if last_event_id.isdecimal() else None
    return StreamingResponse(live.stream(context.worklist, since, context.stop), media_type="text/event-stream")


def to_csv(found: Features) -> str:
    """Features as CSV, one a line, with the preset that defines them."""
    columns = [*Feature.model_fields, "preset", "preset_digest", "software"]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns)
    writer.writeheader()
    facts = {"preset": found.preset, "preset_digest": found.preset_digest, "software": found.software}
    for feature in found.features:
        writer.writerow({**feature.model_dump(), **facts})
    return buffer.getvalue()
