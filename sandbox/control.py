"""The sandbox's own routes: faults, journal, edits and reset, for those who are not in its process."""

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import edits
from sandbox.app import Service
from sandbox.faults.faults import KINDS
from sandbox.http.messages import JsonObject, Refusal


def routes(service: Service, reset: Callable[[], None]) -> list[Route]:
    """Everything under /sandbox/."""

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            service.faults.clear()
            return Response(None, 204)
        if request.method == "POST":
            return await _queued(service, request)
        body = {"faults_left": service.faults.left, "operations": service.faults.operations, "kinds": sorted(KINDS)}
        return JSONResponse(body)

    async def journal(_: Request) -> Response:
        return JSONResponse([entry.to_json() for entry in service.journal])

    async def start_again(_: Request) -> Response:
        reset()
        return Response(None, 204)

    async def edit(request: Request) -> Response:
        try:
            edits.carry_out(service.state, await _body(request))
            service.writes += 1
        except Refusal as refusal:
            return JSONResponse(refusal.reply.body, 400)
        except (ValueError, KeyError, TypeError) as error:
            return _complaint(error)
        return Response(None, 204)

    return [
        Route("/sandbox/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/sandbox/journal", journal, methods=["GET"]),
        Route("/sandbox/reset", start_again, methods=["POST"]),
        Route("/sandbox/edit", edit, methods=["POST"]),
    ]


async def _body(request: Request) -> JsonObject:
    body = json.loads(await request.body())
    if not isinstance(body, dict):
        raise TypeError("a JSON object is expected")
    return body


async def _queued(service: Service, request: Request) -> Response:
    try:
        body: dict[str, Any] = await _body(request)
        fault = service.faults.add(body.pop("operation", ""), body.pop("kind", ""), **body)
    except (ValueError, TypeError) as error:
        return _complaint(error)
    left = {"operation": fault.operation, "kind": fault.kind, "times": fault.times, "after": fault.after}
    return JSONResponse(left, 201)


def _complaint(error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)
