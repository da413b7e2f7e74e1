"""The web application: every operation at its route, with the faults queued for it."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import edits
from sandbox.faults import fault_replies
from sandbox.faults.faults import Fault, Faults
from sandbox.google.drive_routes import drive
from sandbox.google.google import Google
from sandbox.google.oauth_routes import oauth
from sandbox.google.sheets_routes import sheets
from sandbox.http import connections
from sandbox.http.connections import Transports
from sandbox.http.journal import Entry
from sandbox.http.messages import Call, Refusal, Reply
from sandbox.http.operations import Operation, by_name
from sandbox.jira.auth import named
from sandbox.jira.changelog_routes import changelogs
from sandbox.jira.comment_routes import comments
from sandbox.jira.gateway import Gateway
from sandbox.jira.issue_routes import issues
from sandbox.jira.jira import Jira
from sandbox.jira.search_routes import search
from sandbox.jira.site_routes import open_to_all, signed_in_only
from sandbox.jira.transition_routes import transitions
from sandbox.jira.user_routes import users
from sandbox.state import SandboxState

_LOG = logging.getLogger("sandbox")
_REFUSALS = {"429", "500", "503-before", "status-before", "redirect", "413", "401", "403", "refuse-whole"}

_GOOGLE = by_name((oauth, sheets, drive))
_JIRA = by_name((open_to_all, signed_in_only, issues, changelogs, search, comments, transitions, users))
OPERATIONS: dict[str, Operation[Google] | Operation[Jira]] = {**_GOOGLE, **_JIRA}


class Outcome(NamedTuple):
    """What the caller gets to see: a reply, whole or broken off, or nothing but a cut connection."""

    reply: Reply | None
    truncated: bool = False


class Service:
    """The operations at work: what the routes, the control pages and late writes have in common."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self.faults = Faults(OPERATIONS.values())
        self.journal: list[Entry] = []
        self.transports: Transports = {}
        self.writes = 0
        """Counts requests that may have changed something."""
        state.timeline.apply = self._apply_late

    def apply(self, call: Call) -> Reply:
        """Let the call's service carry it out."""
        with self.state.timeline.lock:
            self.writes += OPERATIONS[call.operation].writes
            try:
                if call.operation in _GOOGLE:
                    return _GOOGLE[call.operation].carry_out(self.state.google, call)
                call = _JIRA[call.operation].authenticated(self.state.jira, call)
                return named(self.state.jira, call.caller, _JIRA[call.operation].handler(self.state.jira, call))
            except Refusal as refusal:
                if refusal.reply.status == HTTPStatus.NOT_IMPLEMENTED:  # a client may show no more than the status
                    _LOG.warning("%s: %s", call.operation, refusal.reply.content().decode())
                return named(self.state.jira, call.caller, refusal.reply)

    def keep_for_later(self, call: Call, delay_s: float) -> None:
        """Apply the call after a delay; one with wrong credentials is dropped."""
        with self.state.timeline.lock, contextlib.suppress(Refusal):
            if call.operation in _GOOGLE:
                call = _GOOGLE[call.operation].authenticated(self.state.google, call)
            else:
                call = _JIRA[call.operation].authenticated(self.state.jira, call)
            self.state.timeline.keep(call, delay_s)

    def _apply_late(self, call: Call) -> None:
        self.apply(call)

    def edit(self, fault: Fault | None, when: str) -> None:
        """Carry out the edit of an edit fault, if it is to happen at this moment."""
        if fault is None or fault.option("when") != when:
            return
        with self.state.timeline.lock:
            self.writes += 1
            wanted = fault.option("edit")
            if callable(wanted):
                wanted()
            else:
                edits.carry_out(self.state, wanted)


class Endpoint:
    """One operation as an ASGI application."""

    def __init__(self, service: Service, operation: Operation[Google] | Operation[Jira]) -> None:
        self._service = service
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service, state = self._service, self._service.state
        call = _call(self._operation.name, scope, await Request(scope, receive).body())
        with state.timeline.lock:
            state.timeline.settle()
            taken = service.faults.take(self._operation.name)
            entry = Entry(call.operation, call.method, call.path, state.timeline.now(), None, taken.names)
            service.journal.append(entry)
        try:
            service.edit(taken.edit, "before")
            outcome = await self._outcome(call, taken.answer)
            service.edit(taken.edit, "after")
        except Exception:  # noqa: BLE001 - whatever it is, the caller must get an answer and the log the reason
            _LOG.exception("the sandbox failed in %s", call.operation)
            outcome = Outcome(Reply(500, b"The sandbox itself failed; its log says where.", {}, "text/plain"))
        if outcome.reply is None:
            await connections.reset(service.transports, scope, receive)
            return
        entry.status = outcome.reply.status
        if outcome.truncated:
            reply = outcome.reply
            await connections.truncate(
                service.transports, scope, receive, send, reply.status, reply.content(), reply.media_type
            )
            return
        await _response(outcome.reply, state.timeline.now())(scope, receive, send)

    async def _outcome(self, call: Call, fault: Fault | None) -> Outcome:
        """What comes of the call, with the fault it meets."""
        service, state = self._service, self._service.state
        if fault is None:
            return Outcome(service.apply(call))
        if fault.kind in _REFUSALS:
            return Outcome(fault_replies.refused(state.jira, fault))
        if fault.kind == "late-apply":
            service.keep_for_later(call, fault.option("delay_s"))
        if fault.kind in {"late-apply", "reset-before"}:
            return Outcome(None)
        generation = state.generation
        if fault.kind == "slow-before-apply":
            await asyncio.sleep(fault.option("delay_s"))
        if generation != state.generation:  # the box was reset meanwhile: this request belongs to the time before
            return Outcome(None)
        reply = service.apply(_with_fault(call, fault))
        if fault.kind == "slow":
            await asyncio.sleep(fault.option("delay_s"))
        if fault.kind == "reset-after":
            return Outcome(None)
        return Outcome(fault_replies.altered_reply(state.jira, reply, fault), truncated=fault.kind == "truncated")


def _with_fault(call: Call, fault: Fault) -> Call:
    if fault.kind == "anonymous":
        return replace(call, headers={name: value for name, value in call.headers.items() if name != "authorization"})
    if fault.kind == "refuse":
        errors = fault.option("errors") or {"summary": "The sandbox was told to refuse this."}
        return replace(call, refused=dict.fromkeys(fault.option("indices"), errors))
    return call


def _call(operation: str, scope: Scope, body: bytes) -> Call:
    query = tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Call(operation, scope["method"], scope["path"], dict(scope["path_params"]), query, headers, body)


def _response(reply: Reply, now: float) -> Response:
    headers = {"Date": formatdate(now, usegmt=True), **reply.headers}
    if reply.body is None:
        return Response(None, reply.status, headers)
    return Response(reply.content(), reply.status, headers, reply.media_type)


class MethodOverride:
    """Long GETs come as POST with the query in a form body, as google-api-python-client sends them over 2,048 characters.

    https://developers.google.com/workspace/drive/api/guides/performance#batch-requests names the header.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(("/v4/", "/drive/")):
            headers = dict(scope["headers"])
            if headers.get(b"x-http-method-override", b"").upper() == b"GET":
                body = await Request(scope, receive).body()
                query = b"&".join(part for part in (scope["query_string"], body) if part)
                scope = {**scope, "method": "GET", "query_string": query}
                receive = _nothing
        await self._app(scope, receive, send)


async def _nothing() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


def build(service: Service, more: Iterable[BaseRoute]) -> ASGIApp:
    """The application; `more` are the routes that are not a vendor's."""
    routes = [
        Route(operation.path, Endpoint(service, operation), methods=[operation.method])
        for operation in OPERATIONS.values()
    ]

    async def unknown(request: Request, error: Exception) -> Response:
        path = request.url.path
        if not path.startswith(("/v4/", "/drive/", "/rest/", "/oauth2/")):
            return Response("Not found", error.status_code if isinstance(error, HTTPException) else 404)
        text = f"The sandbox does not know {request.method} {path}."
        _LOG.warning(text)
        service.journal.append(Entry("", request.method, path, service.state.timeline.now(), 501))
        envelope = {"code": 501, "message": text, "status": "UNIMPLEMENTED"}
        return JSONResponse(
            {"errorMessages": [text], "errors": {}} if path.startswith("/rest/") else {"error": envelope}, 501
        )

    app = Starlette(routes=[*routes, *more], exception_handlers={404: unknown, 405: unknown})
    app.router.redirect_slashes = False
    return MethodOverride(Gateway(app))
