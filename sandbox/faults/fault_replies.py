"""The answers of faults, in the words and shape of the service."""

import copy
from collections.abc import Mapping

from sandbox.faults.faults import Fault
from sandbox.google import errors
from sandbox.http.messages import Json, JsonObject, Reply
from sandbox.jira.errors import error_body, not_authenticated_reply
from sandbox.jira.jira import Jira

HTML = "text/html; charset=utf-8"
_PAGE = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><h1>Log in to continue</h1></body></html>"
_RATE_LIMIT = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "RATE_LIMIT_EXCEEDED",
    "domain": "googleapis.com",
    "metadata": {"service": "sheets.googleapis.com", "quota_limit": "ReadRequestsPerMinutePerUser"},
}


def html_page() -> Reply:
    """A page where JSON should be: 200 all the same."""
    return Reply(200, _PAGE, {}, HTML)


def refused(jira: Jira, fault: Fault) -> Reply:
    """The answer of a fault that keeps the request from being carried out."""
    google = fault.operation.startswith(("sheets.", "drive.", "oauth."))
    match fault.kind:
        case "redirect":
            return Reply(302, _PAGE, {"Location": f"{jira.base_url}/login"}, HTML)
        case "413":
            return Reply(413, b"<html><body><h1>413 Request Entity Too Large</h1></body></html>", {}, HTML)
        case "503-before":
            return unavailable(fault)
        case "status-before":
            return gateway_error(fault)
        case "refuse-whole" if fault.operation == "oauth.token":
            text = "Token has been expired or revoked."
            return Reply(400, {"error": "invalid_grant", "error_description": text})
    return _google(fault) if google else _jira(fault)


def unavailable(fault: Fault) -> Reply:
    headers = _retry_after(fault)
    if fault.operation.startswith("sheets."):
        body = errors.sheets_reply(503, "The service is currently unavailable.").body
        return Reply(503, body, headers)
    if fault.operation.startswith("drive."):
        return Reply(503, errors.drive_reply(503, "Backend Error", "backendError").body, headers)
    return Reply(503, b"<html><body><h1>503 Service Unavailable</h1></body></html>", headers, HTML)


def gateway_error(fault: Fault) -> Reply:
    """The answer of a proxy or gateway: any status, with a page, an empty body, or JSON of another shape."""
    status = fault.option("status")
    match fault.option("body"):
        case "json":
            return Reply(status, {"message": "upstream error", "request_id": "0f3c"}, {}, "application/json")
        case "empty":
            return Reply(status, b"", {}, "text/plain")
    return Reply(status, f"<html><body><h1>{status}</h1></body></html>".encode(), {}, HTML)


def altered_reply(jira: Jira, reply: Reply, fault: Fault) -> Reply:
    """The answer that the caller gets to a request that was carried out."""
    match fault.kind:
        case "503-after":
            return unavailable(fault)
        case "status-after":
            return gateway_error(fault)
        case "html":
            return html_page()
        case "shuffle" | "short" | "other-issue":
            return with_altered_issues(jira, reply, fault)
    return reply


def with_altered_issues(jira: Jira, reply: Reply, fault: Fault) -> Reply:
    """The answer with its issues in another order, with one missing, or with one replaced by another issue."""
    if not isinstance(reply.body, dict) or not reply.body.get("issues"):
        return reply
    body = copy.deepcopy(reply.body)
    found: list[JsonObject] = body["issues"]
    place = int(fault.option("index")) % len(found)
    match fault.kind:
        case "shuffle":
            body["issues"] = [*found[1:], found[0]][::-1] if len(found) > 2 else found[::-1]
        case "short":
            del found[place]
        case _:
            found[place] |= _other_issue(jira, {item["id"] for item in found}, fault.options.get("key"))
    return Reply(reply.status, body, reply.headers, reply.media_type)


def _other_issue(jira: Jira, answered: set[str], key: Json) -> JsonObject:
    """Id and key of the issue named `key`, or of the oldest that is not in the answer."""
    for issue in jira.state.issues.values():
        if issue.key == key or (key is None and str(issue.id) not in answered):
            return {"id": str(issue.id), "key": issue.key, "self": f"{jira.base_url}/rest/api/3/issue/{issue.id}"}
    return {"id": "99999", "key": key or "ELSE-1", "self": f"{jira.base_url}/rest/api/3/issue/99999"}


def _retry_after(fault: Fault) -> Mapping[str, str]:
    wanted = fault.option("retry_after")
    return {} if wanted is None else {"Retry-After": str(wanted)}


def _google(fault: Fault) -> Reply:
    drive = fault.operation.startswith("drive.")
    match fault.kind:
        case "429" if drive:
            reply = errors.drive_reply(429, "Rate Limit Exceeded", "rateLimitExceeded", domain="usageLimits")
        case "429":
            text = "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user'."
            reply = errors.sheets_reply(429, text, [_RATE_LIMIT])
        case "500" if drive:
            reply = errors.drive_reply(500, "Internal Error", "internalError")
        case "500":
            reply = errors.sheets_reply(500, "Internal error encountered.")
        case "401":
            return errors.bad_token_reply(fault.operation)
        case "403" if drive:
            reason = fault.option("reason") or "insufficientFilePermissions"
            domain = "usageLimits" if "imit" in reason else "global"
            reply = errors.drive_reply(403, "The user does not have sufficient permissions.", reason, domain=domain)
        case "403":
            reply = errors.sheets_reply(403, "The caller does not have permission")
        case _:
            messages = fault.option("messages") or ["Request contains an invalid argument."]
            reply = errors.sheets_reply(400, messages[0])
    return Reply(reply.status, reply.body, _retry_after(fault))


def _jira(fault: Fault) -> Reply:
    """Jira's answer; for the headers of a 429 see https://developer.atlassian.com/cloud/jira/platform/rate-limiting/."""
    match fault.kind:
        case "429":
            headers = {
                "RateLimit-Reason": "jira-burst-based",
                "X-RateLimit-Limit": "100",
                "X-RateLimit-Remaining": "0",
                **_retry_after(fault),
            }
            return Reply(429, error_body(["Rate limit exceeded."]), headers)
        case "401":
            return not_authenticated_reply(credentials_sent=True)
        case "403":
            return Reply(403, error_body(["You do not have permission to perform this operation."]))
        case "500":
            return Reply(500, error_body(["Internal server error"]))
        case _:
            messages = fault.option("messages") or ["The request could not be read."]
            return Reply(400, error_body(messages))
