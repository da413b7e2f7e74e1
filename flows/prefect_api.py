"""Whether Prefect's API can be asked, said in one line before anything is begun."""

from prefect import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from lib.errors import FixInputError

_FORBIDDEN = (401, 403)


def address() -> str:
    """The address of Prefect's API as the environment or Prefect's profile says it; empty when a command starts its own."""
    return get_current_settings().api.url or ""


async def check() -> None:
    """
    Ask the server that PREFECT_API_URL names.

    Raises:
        FixInputError: It does not answer as Prefect's API does, or does not let us in.
    """
    where = f"PREFECT_API_URL {address()}"
    async with get_client() as prefect:
        if failed := await prefect.api_healthcheck():
            if isinstance(failed, PrefectHTTPStatusError):
                raise FixInputError(where, f"is no address of Prefect's API ({_status(failed)}); it ends in /api")
            problem = f"Prefect's API cannot be asked there ({' '.join(str(failed).split()) or type(failed).__name__})"
            raise FixInputError(where, f"{problem}; start the server (`prefect server start`), or correct the address")
        try:
            await prefect.read_work_pools(limit=1)
        except PrefectHTTPStatusError as refused:
            status = _status(refused)
            if status in _FORBIDDEN:
                advice = "set PREFECT_API_AUTH_STRING to the server's PREFECT_SERVER_API_AUTH_STRING"
                raise FixInputError(where, f"the server does not let us in ({status}); {advice}") from None
            raise FixInputError(where, f"is no address of Prefect's API ({status}); it ends in /api") from None
        except ValueError:  # a page in place of JSON
            raise FixInputError(where, "is no address of Prefect's API; it ends in /api") from None


def _status(error: PrefectHTTPStatusError) -> int:
    return error.response.status_code
