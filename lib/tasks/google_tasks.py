"""Prefect tasks for Google: one API call or one batch each, what it takes and returns as the client's method says.

Retries: twice after 30 seconds, with jitter and never before a server's Retry-After, and only when the service could not answer
(`lib.tasks.api_tasks`). Credentials: each task takes the name of a block and loads it itself; without such a block the environment
counts (`blocks.google_credentials`).
"""

from typing import cast

from blocks.google_credentials import GoogleCredentials
from blocks.loading import load
from lib.services.google_api import GoogleApi
from lib.services.models import Google
from lib.services.rate_limits import DRIVE, SHEETS_READS, SHEETS_WRITES
from lib.tasks.api_tasks import ClientOfTasks, api_task


async def block(name: str) -> GoogleCredentials:
    """The credentials of that name."""
    return await load(GoogleCredentials, name)


async def api(block_name: str) -> GoogleApi:
    """The client of the credentials of that name."""
    return (await block(block_name)).get_client()


test_connection = api_task("google.connection.test", block, SHEETS_READS)(GoogleCredentials.check_connection)
find_files = api_task("google.drive.find-files", api, DRIVE)(GoogleApi.find_files)
read_version = api_task("google.drive.read-version", api, DRIVE)(GoogleApi.read_version)
read_metadata = api_task("google.sheets.read-metadata", api, SHEETS_READS)(GoogleApi.read_spreadsheet)
read_texts = api_task("google.sheets.read-texts", api, SHEETS_READS)(GoogleApi.read_texts)
read_data = api_task("google.sheets.read-data", api, SHEETS_READS)(GoogleApi.read_tab)
write_column = api_task("google.sheets.write-column", api, SHEETS_WRITES)(GoogleApi.write_column)
write_columns = api_task("google.sheets.write-columns", api, SHEETS_WRITES)(GoogleApi.write_columns)
update = api_task("google.sheets.update", api, SHEETS_WRITES)(GoogleApi.update)
write_keys = api_task("google.sheets.write-keys", api, SHEETS_WRITES)(GoogleApi.update_and_read)


def client(credentials_block_name: str, retry_delay_s: float) -> Google:
    """Google by these tasks."""
    return cast("Google", ClientOfTasks(globals().values(), credentials_block_name, retry_delay_s))
