"""How Google says no: one envelope for Sheets, an older one for Drive, another for the token endpoint.

Sheets: https://cloud.google.com/apis/design/errors · Drive: https://developers.google.com/workspace/drive/api/guides/handle-errors
"""

from sandbox.http.messages import JsonObject, Refusal, Reply

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def sheets_reply(status: int, message: str, details: list[JsonObject] | None = None, name: str = "") -> Reply:
    error: JsonObject = {"code": status, "message": message, "status": name or STATUS_NAMES.get(status, "UNKNOWN")}
    if details:
        error["details"] = details
    return Reply(status, {"error": error})


def drive_reply(
    status: int, message: str, reason: str, location: str = "", location_type: str = "parameter", domain: str = "global"
) -> Reply:
    first = {"message": message, "domain": domain, "reason": reason}
    if location:
        first |= {"location": location, "locationType": location_type}
    return Reply(status, {"error": {"code": status, "message": message, "errors": [first]}})


def invalid(message: str) -> Refusal:
    """A 400 of the Sheets API."""
    return Refusal(sheets_reply(400, message))


def bad_request(violations: list[tuple[str, str]]) -> Refusal:
    """A 400 for a request that does not fit the API's types: (field path, what is wrong with it) of each place."""
    listed = [{"field": path, "description": text} if path else {"description": text} for path, text in violations]
    detail: JsonObject = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": listed}
    return Refusal(sheets_reply(400, "\n".join(text for _, text in violations), [detail]))


def bad_mask(path: str) -> Refusal:
    """A `fields` parameter that names something the answer does not have."""
    text = f"Error expanding 'fields' parameter. Cannot find matching fields for path '{path}'."
    detail: JsonObject = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": path, "description": text}],
    }
    return Refusal(sheets_reply(400, "Request contains an invalid argument.", [detail]))


def forbidden() -> Refusal:
    return Refusal(sheets_reply(403, "The caller does not have permission"))


def not_found() -> Refusal:
    return Refusal(sheets_reply(404, "Requested entity was not found."))


def office_file() -> Refusal:
    """An uploaded .xlsx: Drive lists it, Sheets does not open it."""
    text = "This operation is not supported for this document. The document must not be an Office file."
    return Refusal(sheets_reply(400, text, name="FAILED_PRECONDITION"))


def missing_scope(operation: str) -> Refusal:
    """A valid token that was not granted what this method needs."""
    if operation.startswith("drive."):
        return Refusal(drive_reply(403, "Insufficient Permission: Request had insufficient authentication scopes.",
                                   "insufficientPermissions"))  # fmt: skip
    detail: JsonObject = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "sheets.googleapis.com", "method": operation},
    }
    return Refusal(sheets_reply(403, "Request had insufficient authentication scopes.", [detail]))


def bad_token(operation: str) -> Refusal:
    return Refusal(bad_token_reply(operation))


def bad_token_reply(operation: str) -> Reply:
    challenge = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'}
    if operation.startswith("drive."):
        body = drive_reply(401, "Invalid Credentials", "authError", "Authorization", "header").body
    else:
        text = (
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
            "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
        )
        body = sheets_reply(401, text).body
    return Reply(401, body, challenge)


def no_token(operation: str) -> Refusal:
    """A request without any credential is a stranger's, which is another refusal than a bad token."""
    text = (
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
        "form of API consumer identity to call this API."
    )
    if operation.startswith("drive."):
        return Refusal(drive_reply(403, text, "forbidden"))
    return Refusal(sheets_reply(403, text))


def file_not_found(file_id: str) -> Refusal:
    return Refusal(drive_reply(404, f"File not found: {file_id}.", "notFound", "fileId"))


def drive_invalid(message: str, location: str, reason: str = "invalid") -> Refusal:
    return Refusal(drive_reply(400, message, reason, location))


def oauth_refusal(status: int, error: str, description: str) -> Refusal:
    """RFC 6749 section 5.2, with Google's descriptions."""
    return Refusal(Reply(status, {"error": error, "error_description": description}))
