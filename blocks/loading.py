"""How a credentials block is found: registered under its name, or else made from the environment."""

from prefect.blocks.abstract import CredentialsBlock

from lib.errors import CredentialsError
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
