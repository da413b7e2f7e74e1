"""Arguments of tasks that Prefect need not look through."""

from typing import cast

from prefect.utilities.annotations import quote


def as_it_is[Value](value: Value) -> Value:
    """
    The value for a task that gets it as it stands: no futures of other tasks are in it.

    Prefect looks for them within every value of every argument otherwise, twice a call: for the rows of one plan that takes
    longer than sending them.
    """
    return cast("Value", quote(value))
