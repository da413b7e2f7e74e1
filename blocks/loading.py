"""How a credentials block is found (registered under its name, or else made from the environment), and that it does not connect.

A flow run asks Prefect's API for each block once and keeps it in memory, so that it can go on while the API is away.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from typing import Any, cast

from prefect import runtime
from prefect.blocks.abstract import CredentialsBlock
from prefect.exceptions import PrefectHTTPStatusError
from pydantic import ValidationError

from blocks import own_server
from lib.errors import CredentialsError, FixInputError, TryLaterError, WorkflowError
from lib.settings import in_sandbox

OUTAGE_S = 120.0  # how long an API that is away is waited for: a restart of the server takes less
PAUSE_S = 2.0
_FAULT_OF_THE_SERVER = 500
_KEPT = 16  # blocks; a process has one flow run at a time, or a few

_log = logging.getLogger(__name__)
_loaded: OrderedDict[tuple[str, type[CredentialsBlock], str], CredentialsBlock] = OrderedDict()


async def load[Block: CredentialsBlock](block_type: type[Block], name: str, *, outage_s: float | None = None) -> Block:
    """
    The registered block of that name, or one that reads everything from the environment; the same one throughout a flow run.

    In the sandbox no block is looked for: its credentials are the environment's alone.

    Args:
        block_type: What kind of block.
        name: Its name.
        outage_s: How long an API that is away is waited for; OUTAGE_S when left out.

    Raises:
        CredentialsError: Prefect's API, which holds the blocks, cannot be asked.
        FixInputError: What the block holds cannot be used; the message names its field.
    """
    if in_sandbox():
        return block_type()
    flow_run = runtime.flow_run.id
    if flow_run is None:
        return await _ask(block_type, name, outage_s)
    known = (flow_run, block_type, name)
    if known not in _loaded:
        _loaded[known] = await _ask(block_type, name, outage_s)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    return cast("Block", _loaded[known])


async def _ask[Block: CredentialsBlock](block_type: type[Block], name: str, outage_s: float | None) -> Block:
    """The block from Prefect's API, which may be away for a while."""
    until = time.monotonic() + (OUTAGE_S if outage_s is None else outage_s)
    warned = False
    while True:
        try:
            with own_server.closed_to_others():
                return await _look_up(block_type, name)
        except WorkflowError:
            raise
        except Exception as error:  # noqa: BLE001  # many ways to be out of reach, and the one who asks is to know it
            status = error.response.status_code if isinstance(error, PrefectHTTPStatusError) else None
            problem = (
                f"Prefect's API cannot be asked ({status or ' '.join(str(error).split()) or type(error).__name__})"
            )
            if status is not None and status < _FAULT_OF_THE_SERVER:
                advice = "set PREFECT_API_AUTH_STRING to what the server has, and run it again"
                raise CredentialsError(f"Block '{name}'", f"{problem}; {advice}") from None
            if time.monotonic() >= until:
                advice = "start Prefect's server, or correct PREFECT_API_URL, and run it again"
                raise CredentialsError(f"Block '{name}'", f"{problem}; {advice}") from None
        if not warned:
            _log.warning("Block '%s': %s; asking again for %.0f s", name, problem, until - time.monotonic())
        warned = True
        await asyncio.sleep(PAUSE_S)


async def _look_up[Block: CredentialsBlock](block_type: type[Block], name: str) -> Block:
    try:
        return await block_type.aload(name)
    except ValueError as error:
        if "Unable to find block document" not in str(error):
            raise CredentialsError(f"Block '{name}'", f"cannot be read: {error}") from None
        return block_type()
    except RuntimeError as error:  # Prefect's word for a block that was saved with something that cannot be used
        if not isinstance(error.__cause__, ValidationError):
            raise
        first = error.__cause__.errors(include_input=False)[0]
        field, advice = ".".join(str(part) for part in first["loc"]), "correct it on Prefect's page of blocks"
        raise FixInputError(f"Block '{name}', {field}", f"{first['msg']}; {advice}") from None


def not_connected(service: str, error: WorkflowError) -> dict[str, Any]:
    """What `test_connection` of a block says of a service that did not let us in, or could not say just now."""
    passing = isinstance(error, TryLaterError)
    hint = ". This may pass by itself: the credentials are not known to be wrong; try again in some minutes"
    return {"ok": False, "service": service, "passing": passing, "problem": f"{error}{hint if passing else ''}"}
