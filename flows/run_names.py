"""What runs over clients' plans are called in Prefect's lists, from when they begin; one that waits for its time is named by Prefect."""

from collections.abc import Callable

from prefect import runtime

from lib.clock import SystemClock
from lib.formats import Month, plural, this_month

_NAMED = 3  # clients; of more their number says as much


def of_plans(flow: str, *ahead: int) -> Callable[[], str]:
    """
    For `flow_run_name`: `content-plan-to-jira Juli 2026 · Kopi Senja · validate only`.

    Args:
        flow: Its name.
        ahead: The months that it takes when it is given none: this one is 0, the next one 1.
    """

    def name() -> str:
        given = runtime.flow_run.parameters
        this = this_month(SystemClock().now())
        default = [str(this.next() if number else this) for number in ahead]
        months = given.get("target_months") or [*filter(None, [given.get("target_month")])] or default
        parts = [f"{flow} {' and '.join(months)}", clients(given.get("client_names"))]
        return " · ".join([*parts, *(["validate only"] if given.get("validate_only") else [])])

    return name


def clients(names: list[str] | None) -> str:
    """Those that were asked for."""
    if names is None:
        return "all clients"
    return ", ".join(names) if 0 < len(names) <= _NAMED else plural(len(names), "client")


def named(flow: str, month: Month, names: list[str]) -> str:
    """What a run is called that is begun by another one, while it waits for a worker."""
    return f"{flow} {month} · {clients(names)}"
