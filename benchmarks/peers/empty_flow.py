"""A Prefect flow that does nothing: what Prefect itself costs."""

from prefect import flow


@flow
def empty() -> None: ...


if __name__ == "__main__":
    empty()
