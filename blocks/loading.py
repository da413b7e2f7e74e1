"""How a credentials block is found (registered under its name, or else made from the environment), and that it does not connect."""

from typing import Any

from prefect.blocks.abstract import CredentialsBlock

from lib.errors import CredentialsError, TryLaterError, WorkflowError
from lib.settings import in_sandbox


async def load[Block: CredentialsBlock](block_type: type[Block], name: str) -> Block:
    """
    The registered block of that name, or one that reads everything from the environment.

    In the sandbox no block is looked for: its credentials are the environment's alone.

    Raises:
        CredentialsError: Prefect's API, which holds the blocks, cannot be asked.
    """
    if in_sandbox():
        return block_type()
    try:
        return await block_type.aload(name)
    except ValueError as error:
        if "Unable to find block document" not in str(error):
            raise CredentialsError(f"Block {name!r}", f"cannot be read: {error}") from None
        return block_type()


def not_connected(service: str, error: WorkflowError) -> dict[str, Any]:
    """What `test_connection` of a block says of a service that did not let us in, or could not say just now."""
    passing = isinstance(error, TryLaterError)
    hint = ". This may pass by itself: the credentials are not known to be wrong; try again in some minutes"
    return {"ok": False, "service": service, "passing": passing, "problem": f"{error}{hint if passing else ''}"}
