# One image for the Prefect server, its workers and JupyterLab: all run the Prefect that uv.lock names, from /app/.venv.
# The base brings Python and system libraries; the Prefect in it is never started (a server older than its clients loses
# task runs, and 3.6.9 has known holes). A quarterly update is one line here: BASE_IMAGE.
ARG BASE_IMAGE=prefecthq/prefect:3.6.9-python3.14
ARG UV_IMAGE=ghcr.io/astral-sh/uv:latest

# hadolint ignore=DL3006
FROM ${UV_IMAGE} AS uv

# hadolint ignore=DL3006
FROM ${BASE_IMAGE}
COPY --from=uv /uv /usr/local/bin/uv

RUN useradd --create-home --uid 1000 app
WORKDIR /app
# The project's .python-version is for developers' machines; here it is the base's Python.
ENV UV_PYTHON=3.14 UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy

# Dependencies change less often than code: a layer of their own.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project

COPY . .
# The account below may not write beside the code, so that every process would compile it again.
RUN uv sync --frozen --no-dev && .venv/bin/python -m compileall -q blocks flows lib sandbox hashmap.py \
    && install -d -o app -g app /home/app/.local /home/app/.local/state \
    && install -d -o app -g app -m 0700 /home/app/.local/state/content-plan-workflows \
    && install -d -o app -g app output /home/app/.prefect /home/app/.prefect/concurrency_leases

ENV PYTHONPATH=/app PATH=/app/.venv/bin:$PATH PREFECT_HOME=/home/app/.prefect
USER 1000
EXPOSE 4200

# /api/ready notices a lost database, /api/health does not; there is no curl in the image.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD [".venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:4200/api/ready', timeout=9)"]

# The base's entrypoint may install packages at start; what runs is what is locked.
ENTRYPOINT []
CMD [".venv/bin/prefect", "server", "start", "--host", "0.0.0.0"]
