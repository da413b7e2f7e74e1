"""Atlassian's API gateway: a scoped API token reaches a site at /ex/jira/<cloud id>, and only there.

https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/
"""

from starlette.types import ASGIApp, Receive, Scope, Send

CLOUD_ID = "5a0db0c0-0000-4000-8000-00000000c10d"
HEADER = "x-sandbox-gateway"
_PREFIX = f"/ex/jira/{CLOUD_ID}"


class Gateway:
    """Passes requests for the API of the site on, with a header that says which way they came."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{_PREFIX}/rest/"):
            headers = [*scope["headers"], (HEADER.encode(), b"1")]
            scope = {**scope, "path": scope["path"].removeprefix(_PREFIX), "headers": headers}
        await self._app(scope, receive, send)
