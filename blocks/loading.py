"""How a credentials block is found (registered under its name, or else made from the environment), and that it does not connect."""

from typing import Any

from prefect.blocks.abstract import CredentialsBlock
from pydantic import ValidationError

from lib.errors import CredentialsError, FixInputError, TryLaterError, WorkflowError
from lib.settings import in_sandbox


async def load[Block: CredentialsBlock](block_type: type[Block], name: str) -> Block:
    """
    The registered block of that name, or one that reads everything from the environment.

    In the sandbox no block is looked for: its credentials are the environment's alone.

    Raises:
        CredentialsError: Prefect's API, which holds the blocks, cannot be asked.
        FixInputError: What the block holds cannot be used; the message names its field.
    """
    if in_sandbox():
        return block_type()
    try:
        return await block_type.aload(name)
    except ValueError as error:
        if "Unable to find block document" not in str(error):
            raise CredentialsError(f"Block {name!r}", f"cannot be read: {error}") from None
        return block_type()
    except RuntimeError as error:  # Prefect's word for a block that was saved with something that cannot be used
        if not isinstance(error.__cause__, ValidationError):
            raise
        first = error.__cause__.errors(include_input=False)[0]
        field, advice = ".".join(str(part) for part in first["loc"]), "correct it on Prefect's page of blocks"
        raise FixInputError(f"Block {name!r}, {field}", f"{first['msg']}; {advice}") from None


def not_connected(service: str, error: WorkflowError) -> dict[str, Any]:
    """What `test_connection` of a block says of a service that did not let us in, or could not say just now."""
    passing = isinstance(error, TryLaterError)
    hint = ". This may pass by itself: the credentials are not known to be wrong; try again in some minutes"
    return {"ok": False, "service": service, "passing": passing, "problem": f"{error}{hint if passing else ''}"}
