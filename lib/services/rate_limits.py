"""How fast all runs together may ask the services: less than what the services allow, so that their 429 stays the exception.

On a Prefect server these are global concurrency limits of the same names, which `make deploy` makes and keeps at these numbers;
every task that calls a service acquires a slot there (`lib.tasks.api_tasks`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class RateLimit:
    """`burst` calls may be made at once, and `per_second` more in each second after that, over all runs and machines."""

    name: str
    burst: int
    per_second: float


SHEETS_PER_MINUTE = 60
"""Reads, and writes, for one account (https://developers.google.com/workspace/sheets/api/limits)."""

SHEETS_READS = RateLimit("content-plans-sheets-reads", burst=10, per_second=0.8)
SHEETS_WRITES = RateLimit("content-plans-sheets-writes", burst=10, per_second=0.8)
# Drive: units by the hundred thousand a minute (https://developers.google.com/workspace/drive/api/guides/limits).
DRIVE = RateLimit("content-plans-drive", burst=20, per_second=10)
# Jira: bursts are limited per endpoint (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/).
JIRA_READS = RateLimit("content-plans-jira-reads", burst=20, per_second=10)
JIRA_WRITES = RateLimit("content-plans-jira-writes", burst=5, per_second=2)

ALL = (SHEETS_READS, SHEETS_WRITES, DRIVE, JIRA_READS, JIRA_WRITES)
