"""The pages, rendered here; they work without JavaScript, which only keeps them up to date."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from lucidray.console import access, findings
from lucidray.console.artifacts import version_of
from lucidray.console.commands import Command, Conflict, allowed, steps_to_retry
from lucidray.console.context import Context, Here
from lucidray.console.forms import local_address, read_form, set_cookie
from lucidray.console.overlay import CaseImages
from lucidray.console.templating import THEME, THEMES, page
from lucidray.console.view import ACTIVE, ATTENTION, CaseView, State
from lucidray.console.worklist import Query as CaseQuery
from lucidray.console.worklist import Unknown
from lucidray.core.errors import LucidrayError, Permanent

router = APIRouter(include_in_schema=False)

PAGE_CASES = 50
_YEAR_SECONDS = 365 * 24 * 3600
GROUPS: dict[str, tuple[State, ...]] = {
    "all": (),
    "attention": ATTENTION,
    "active": ACTIVE,
    "completed": (State.COMPLETED,),
    "unmatched": (State.UNMATCHED,),
    "ended": (State.CANCELLED, State.SUPERSEDED),
}


@router.get("/")
def worklist(
    request: Request,
    context: Here,
    state: Annotated[str, Query(max_length=20)] = "all",
    q: Annotated[str, Query(max_length=100)] = "",
    patient: Annotated[str, Query(max_length=64)] = "",
    start: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HTMLResponse:
    """Cases that changed last first, with cause and remedy where there is a problem."""
    states = GROUPS.get(state) or ((State(state),) if state in set(State) else ())
    query = CaseQuery(states, q.strip(), patient, PAGE_CASES, start)
    found, counts = context.worklist.find(query), context.worklist.counts()
    groups = [(name, sum(counts.get(each, 0) for each in of or State)) for name, of in GROUPS.items()]

    def address(**changed: str | int) -> str:
        values: dict[str, str | int] = {"state": state, "q": q.strip(), "patient": patient, **changed}
        kept = {name: value for name, value in values.items() if value not in ("", 0, "all")}
        return "/?" + urlencode(kept) if kept else "/"

    return page(
        request,
        "worklist.html",
        cases=found.cases,
        total=found.total,
        groups=groups,
        state=state,
        q=q,
        patient=patient,
        start=start,
        size=PAGE_CASES,
        address=address,
        can_search_patients=context.site_key is not None,
    )


@router.post("/patients")
async def find_patient(request: Request, context: Here) -> Response:
    """Find the cases of a PatientID. It is hashed at once: neither kept, nor logged, nor in an address."""
    form = await read_form(request)
    if context.site_key is None:
        raise Permanent("patient search", "this console has no site key", "name the file in core.site_key_file")
    patient_id = form.get("patient_id", "").strip()
    if not patient_id:
        return RedirectResponse("/", 303)
    key = context.site_key.patient(patient_id, form.get("issuer", ""))
    return RedirectResponse("/?" + urlencode({"patient": key}), 303)


@router.get("/cases/{case_id}")
def show_case(
    request: Request,
    context: Here,
    case_id: str,
    index: Annotated[int | None, Query(alias="slice")] = None,
    zoom: bool = False,
    plain: bool = False,
    sent: Annotated[str, Query(max_length=20)] = "",
    text: Annotated[str, Query(max_length=100)] = "",
    role: Annotated[str, Query(max_length=50)] = "",
    family: Annotated[str, Query(max_length=50)] = "",
) -> HTMLResponse:
    """Everything about one case."""
    case = context.worklist.case(case_id)
    images, problems = _images(context, case)
    found = context.artifacts.findings(case)
    features = found.features.features if found.features else []
    wanted = findings.FeatureFilter(text, role, family)
    listed = wanted.apply(features)
    return page(
        request,
        "case.html",
        case=case,
        versions=context.worklist.versions(case.study_key) if case.study_key else [],
        allowed=allowed(case),
        images=images,
        index=_index(images, index),
        zoom=zoom,
        plain=plain,
        sent=sent if sent in set(Command) else "",
        version=version_of(case),
        lesions=findings.lesions(images, found.features),
        forecasts=findings.forecasts(found),
        features=found.features,
        listed=listed[: findings.SHOWN_FEATURES],
        matching=len(listed),
        wanted=wanted,
        roles=sorted({feature.image_role for feature in features}),
        families=sorted({feature.family for feature in features}),
        receipts=found.receipts.receipts if found.receipts else [],
        problems=problems + found.problems,
    )


def _images(context: Context, case: CaseView) -> tuple[CaseImages | None, list[LucidrayError]]:
    try:
        return (context.artifacts.images(case) if case.done else None), []
    except Unknown:
        return None, []  # not made yet
    except LucidrayError as error:
        return None, [error]


def _index(images: CaseImages | None, wanted: int | None) -> int:
    if images is None:
        return 0
    return images.first_slice if wanted is None else min(max(wanted, 0), images.slices - 1)


@router.get("/cases/{case_id}/confirm")
def confirm(request: Request, context: Here, case_id: str, command: Command) -> HTMLResponse:
    """Ask whether a command is really meant."""
    case = context.worklist.case(case_id)
    if command not in allowed(case):
        raise Conflict(f"case {case_id}", f"it is {case.state}", f"'{command}' cannot be asked of it now")
    return page(request, "confirm.html", case=case, command=command, steps=steps_to_retry(case))


@router.post("/cases/{case_id}/commands")
async def give_command(request: Request, context: Here, case_id: str) -> Response:
    """Send a command from a page's form."""
    form = await read_form(request)
    if form.get("command") not in set(Command):
        raise Conflict(f"case {case_id}", "there is no such command", "use the buttons of its page")
    command = Command(form["command"])

    def send() -> str:
        case = context.worklist.case(case_id)
        recompute = form.get("recompute") == "yes"
        context.commands.send(case, command, actor="console", from_step=form.get("from_step", ""), recompute=recompute)
        return case.case_id

    return RedirectResponse(f"/cases/{await run_in_threadpool(send)}?sent={command}", 303)


@router.get("/login")
def ask_for_token(request: Request) -> HTMLResponse:
    """Ask for the token."""
    return page(request, "login.html", wrong=False)


@router.post("/login")
async def log_in(request: Request, context: Here) -> Response:
    """Exchange the token for a cookie."""
    form = await read_form(request)
    if not context.access.needed or not context.access.is_token(form.get("token", "").strip()):
        return page(request, "login.html", status=403, wrong=True)
    response = RedirectResponse("/", 303)
    set_cookie(request, response, access.SESSION, context.access.session(), access.SESSION_SECONDS)
    return response


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """Forget the login."""
    await read_form(request)
    response = RedirectResponse("/", 303)
    response.delete_cookie(access.SESSION)
    return response


@router.post("/theme")
async def choose_theme(request: Request) -> Response:
    """Remember light, dark or the system's choice."""
    form = await read_form(request)
    theme = form.get("theme", "")
    response = RedirectResponse(local_address(form.get("back", "/")), 303)
    set_cookie(request, response, THEME, theme if theme in THEMES else "auto", _YEAR_SECONDS)
    return response
