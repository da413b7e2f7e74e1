"""Google's token endpoint.

https://developers.google.com/identity/protocols/oauth2/web-server#offline

Refresh tokens and service accounts' signed assertions become access tokens; the signature itself is not checked.
"""

import base64
import json

from sandbox.google.errors import bad_token, missing_scope, no_token, oauth_refusal
from sandbox.google.google import Google
from sandbox.google.state import Token
from sandbox.http.messages import Call, JsonObject, Reply
from sandbox.http.operations import Operations

ACCESS_TOKEN_SECONDS = 3599
_REAL_AUDIENCE = "https://oauth2.googleapis.com/token"
_FULL = ("https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive",
         "https://www.googleapis.com/auth/drive.file")  # fmt: skip
_SHEETS_READ = (*_FULL, "https://www.googleapis.com/auth/spreadsheets.readonly",
                "https://www.googleapis.com/auth/drive.readonly")  # fmt: skip
_DRIVE_READ = (*_FULL[1:], "https://www.googleapis.com/auth/drive.readonly",
               "https://www.googleapis.com/auth/drive.metadata",
               "https://www.googleapis.com/auth/drive.metadata.readonly")  # fmt: skip
_READS = {"sheets.spreadsheets.get", "sheets.spreadsheets.values.get", "sheets.spreadsheets.values.batchGet"}


def anybody(_google: Google, _call: Call) -> str:
    return ""


oauth = Operations(authenticate=anybody)


@oauth("oauth.token", "POST", "/token")
def token(google: Google, call: Call) -> Reply:
    form = call.form()
    match form.get("grant_type"):
        case "refresh_token":
            granted = _refreshed(google, form)
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":
            granted = _asserted(google, form)
        case None | "":
            raise oauth_refusal(400, "invalid_request", "Required parameter is missing: grant_type")
        case other:
            raise oauth_refusal(400, "unsupported_grant_type", f"Invalid grant_type: {other}")
    access_token = google.fresh_token()
    google.state.access_tokens[access_token] = granted
    body: JsonObject = {"access_token": access_token, "expires_in": ACCESS_TOKEN_SECONDS, "token_type": "Bearer"}
    if form["grant_type"] == "refresh_token":
        body["scope"] = " ".join(granted.scopes)
    return Reply(200, body, {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate"})


def _refreshed(google: Google, form: dict[str, str]) -> Token:
    state = google.state
    secret = state.clients.get(form.get("client_id", ""))
    if secret is None:
        raise oauth_refusal(401, "invalid_client", "The OAuth client was not found.")
    if form.get("client_secret") != secret:
        raise oauth_refusal(401, "invalid_client", "The provided client secret is invalid.")
    if "refresh_token" not in form:
        raise oauth_refusal(400, "invalid_request", "Missing required parameter: refresh_token")
    consent = state.refresh_tokens.get(form["refresh_token"])
    if consent is None:
        raise oauth_refusal(400, "invalid_grant", "Token has been expired or revoked.")
    return _granted(google, consent.email, consent.scopes, form.get("scope", ""))


def _asserted(google: Google, form: dict[str, str]) -> Token:
    """The grant of a signed assertion.

    https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests
    """
    claims = _claims(form.get("assertion", ""))
    email = claims.get("iss", "")
    allowed = google.state.service_accounts.get(email)
    if allowed is None:
        raise oauth_refusal(400, "invalid_grant", "Invalid grant: account not found")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int) or not 0 < expires - issued <= 3600:
        raise oauth_refusal(
            400,
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
            "Check your iat and exp values in the JWT claim.",
        )
    if claims.get("aud") not in {_REAL_AUDIENCE, f"{google.base_url}/token"}:
        raise oauth_refusal(400, "invalid_grant", "Invalid JWT: Failed audience check.")
    if not claims.get("scope"):
        raise oauth_refusal(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return _granted(google, email, allowed, claims["scope"])


def _claims(assertion: str) -> JsonObject:
    try:
        _, payload, _ = assertion.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        raise oauth_refusal(400, "invalid_grant", "Invalid JWT: Failed to parse.") from None
    return claims if isinstance(claims, dict) else {}


def _granted(google: Google, email: str, allowed: list[str], wanted: str) -> Token:
    scopes = wanted.split() or list(allowed)
    if not set(scopes) <= set(allowed):
        raise oauth_refusal(400, "invalid_scope", "Bad Request")
    return Token(email, scopes, google.now() + ACCESS_TOKEN_SECONDS)


def signed_in(google: Google, call: Call) -> str:
    """The e-mail of the account whose access token the call carries."""
    kind, _, value = call.headers.get("authorization", "").partition(" ")
    value = value if kind.lower() == "bearer" else call.one("access_token")
    if not value:
        raise no_token(call.operation)
    found = google.state.access_tokens.get(value)
    if found is None or found.expires_at <= google.now():
        raise bad_token(call.operation)
    if not set(_enough(call.operation)) & set(found.scopes):
        raise missing_scope(call.operation)
    return found.email


def _enough(operation: str) -> tuple[str, ...]:
    """Scopes of which one must be granted for the operation."""
    if operation.startswith("drive."):
        return _DRIVE_READ
    return _SHEETS_READ if operation in _READS else _FULL
