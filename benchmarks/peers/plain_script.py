"""A plain threaded script with the fewest calls: what the work costs at least. It proves nothing, and a rerun makes all issues twice."""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from benchmarks.peers import plain_calls

THREADS = 8


def main(month: str) -> None:
    with ThreadPoolExecutor(THREADS) as clients, ThreadPoolExecutor(THREADS) as requests:

        def one(plan: str) -> None:
            drafts = [plain_calls.fields_of(row) for row in plain_calls.read_rows(plan)]
            keys = requests.map(plain_calls.create_batch, plain_calls.batches(drafts))
            plain_calls.write_keys(plan, list(chain.from_iterable(keys)))

        list(clients.map(one, plain_calls.find_plans(month).values()))


if __name__ == "__main__":
    main(sys.argv[1])
