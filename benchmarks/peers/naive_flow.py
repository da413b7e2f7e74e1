"""A first Prefect flow: a task and a request per row."""

import sys

from prefect import flow, task

from benchmarks.peers import plain_calls


@task
def read_rows(plan: str) -> list[plain_calls.Json]:
    return plain_calls.read_rows(plan)


@task
def create_issue(row: plain_calls.Json) -> str:
    return plain_calls.create_issue(plain_calls.fields_of(row))


@task
def write_key(plan: str, row: int, key: str) -> None:
    plain_calls.write_keys(plan, [key], first=row)


@flow
def naive(month: str) -> None:
    for plan in plain_calls.find_plans(month).values():
        for number, row in enumerate(read_rows(plan), start=2):
            write_key(plan, number, create_issue(row))


if __name__ == "__main__":
    naive(sys.argv[1])
