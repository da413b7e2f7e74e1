# Every target sets up what it needs: uv (if there is none), then the locked environment.

UV_VERSION := 0.13.9
PYTHON3 ?= $(shell command -v python3 || command -v python)
UV := $(shell command -v uv || echo .tools/bin/uv)
RUN := .venv/bin/
SYNCED := .venv/.synced
# Tests that share fixtures, such as a whole run, stay together (tests/conftest.py); each process has its own Prefect server.
# One more than there are processors: whole runs wait a good deal.
PYTEST := $(RUN)python -m pytest -n $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1))) --maxprocesses 5 --dist loadgroup --no-loadscope-reorder

# Compiled bytecode saves 5 s of imports at every start; where writing it is switched off, uv and compileall still do.
export UV_COMPILE_BYTECODE := 1
# A key that CI or a person exports for another project must not reach the tests.
unexport PYTHONPATH

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-update sandbox test soak fleet-test container-test bench packages check format blocks server deploy login lab lab-sandbox clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(SYNCED) ## Install everything that is locked, and keep outputs of notebooks out of commits
	@! git rev-parse --git-dir >/dev/null 2>&1 || git config filter.nbstripout.clean "$(RUN)nbstripout --keep-id"

$(SYNCED): $(UV) pyproject.toml uv.lock .python-version
	$(UV) sync --frozen
	@$(RUN)python -m compileall -q blocks flows lib sandbox hashmap.py
	@touch $@

.tools/bin/uv:
	$(PYTHON3) -m venv .tools 2>/dev/null && .tools/bin/python -m pip install --quiet uv==$(UV_VERSION) \
	|| $(PYTHON3) -m pip install --quiet --target .tools uv==$(UV_VERSION)

# In a terminal a job of its own (-m), so that Ctrl-C closes the sandbox and does not kill make, which would call it an error.
DEMO := $(RUN)python flows/content_plan_to_jira.py --sandbox
demo: $(SYNCED) ## Run the main job on the local sandbox; no credentials needed
	@if [ -t 0 ]; then sh -mc '$(DEMO) --keep-open; exit $$?'; else $(DEMO); fi || [ $$? -eq 2 ]

UPDATE_STATE := .sandbox/update
UPDATE_FLAGS := --sandbox --sandbox-state $(UPDATE_STATE)
UPDATE_DEMO = $(RUN)python flows/$(1).py $(UPDATE_FLAGS) --client-names "Warung Bu Tini / Cabang 2" || [ $$? -eq 2 ]
demo-update: $(SYNCED) ## Show on a sandbox how changes of a plan and of Jira meet; no credentials needed
	@rm -rf $(UPDATE_STATE)
	@$(call UPDATE_DEMO,content_plan_to_jira)
	@$(RUN)python -c "from sandbox import week; raise SystemExit(week.play('$(UPDATE_STATE)/state.json'))"
	@$(call UPDATE_DEMO,content_plan_update)
	@echo "To decide here, give the command above these flags, too: $(UPDATE_FLAGS)"

sandbox: $(SYNCED) ## Open the sandbox of the demo, as it was left
	$(RUN)python -m sandbox --state .sandbox/state.json

test: $(SYNCED) ## Run the tests
	$(PYTEST)

N ?= 5000
soak: $(SYNCED) ## Play N schedules of the proof (make soak N=5000)
	@case "$(N)" in ""|0*|*[!0-9]*) echo "error: N=$(N) is no number of schedules; write it as in: make soak N=5000" >&2; exit 2;; esac
	$(PYTEST) --dist load tests/proof -q -k no_schedule --timeout 0 --every-event --seeds 0-$$(($(N) - 1))

container-test: $(SYNCED) ## Build the Dockerfile and run server, worker, JupyterLab from it (Debian, root; minutes)
	$(RUN)python -m pytest tests/container/built_image.py -s --timeout 1800

fleet-test: $(SYNCED) packages ## Kill workers, server and database in the middle of runs; 40 clients on 3 workers (Debian, root; 20 minutes)
	SYSTEM_PACKAGES=required $(RUN)python -m pytest tests/fleet

bench: $(SYNCED) ## Time the main job beside other ways to do it (make bench BENCH="--works W1 --growth none"; all of it: hours)
	$(RUN)python -m benchmarks $(BENCH)

packages: ## Install what tests use besides Python (Debian, as root): Chromium, PostgreSQL, Redis
	command -v chromium >/dev/null && command -v redis-server >/dev/null && ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-color-emoji postgresql redis-server; }

check: $(SYNCED) $(if $(SYSTEM_PACKAGES),packages) ## Everything that CI runs
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)mypy
	$(UV) lock --check
	$(RUN)nbstripout --keep-id --verify notebooks/*.ipynb tests/notebooks/*.ipynb benchmarks/peers/*.ipynb
	$(PYTEST)

format: $(SYNCED) ## Format code and notebooks
	$(RUN)ruff format .
	$(RUN)ruff check --fix .
	$(RUN)nbstripout --keep-id notebooks/*.ipynb

blocks: $(SYNCED) ## Register the types of the credentials blocks with Prefect
	$(RUN)prefect block register --file blocks/google_credentials.py
	$(RUN)prefect block register --file blocks/jira_credentials.py

server: $(SYNCED) ## Start Prefect's server on this machine, with a login and a database of your own
	@$(RUN)python flows/prefect_server.py

deploy: $(SYNCED) ## Set Prefect up (PREFECT_API_URL): work pool, block types, deployments, alerts; again to update
	$(RUN)python flows/deploy.py

login: $(SYNCED) ## Log in to Google with the browser and save token.json
	$(RUN)python blocks/google_credentials.py

LAB := $(RUN)jupyter lab --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks $(LAB_FLAGS)
lab: setup ## Open the notebooks in JupyterLab, on the services of .env
	$(LAB)

lab-sandbox: setup ## Open the notebooks in JupyterLab, on the sandbox
	$(RUN)python -m sandbox --state .sandbox/state.json -- $(LAB)

clean: ## Remove what runs and tools leave; keeps output/ and .env
	rm -rf .venv .tools .sandbox screenshots .pytest_cache .mypy_cache .ruff_cache .hypothesis
