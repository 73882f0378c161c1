# make run    set up and run the workflow on the demo corpus (minutes on two cores)
# make report write results/report.html, the demo's results in one file
# make test   set up and run the tests
# make test-cluster  run the workflow through a private Slurm (needs Debian's packages)
# make lint   formats, lints and types (make test plans every shipped configuration)
# make bench  compare every stage with its limit, an hour on an idle machine (docs/performance.md)
# make readme regenerate the generated parts of README.md and docs/ from the demo's results
# make schema regenerate schemas/models.schema.yaml from the models' settings
# make lock   compile requirements.txt from requirements.in (needs uv)
# make same-computation  show that a change computes the same as before, so that nothing reruns
# make clean  remove the demo's results and the environment

PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
BIN := .venv/bin
INSTALLED := .venv/installed-from-requirements.txt

# Prefer the environment's tools to those of the machine, also in the tests' subprocesses.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run report test test-cluster lint format bench readme schema lock same-computation environment clean

run: environment
	snakemake --cores $(CORES)

report: run
	snakemake --cores $(CORES) --report results/report.html

# On all cores: one process sets up what tests share (tests/conftest.py).
test: environment
	pytest -n $(CORES)

test-cluster: environment
	pytest tests/cluster

lint: environment
	ruff format --check .
	ruff check .
	snakefmt --check Snakefile rules
	mypy
	snakemake --lint

format: environment
	ruff format .
	ruff check --fix .
	snakefmt Snakefile rules

# Exit status 2 means that there is no GPU to measure.
bench: environment
	python benchmarks/log_mel.py
	python benchmarks/extraction.py --share 1
	python benchmarks/training.py
	python benchmarks/data.py --frames 10500000 --steps 2 --turns 25
	python benchmarks/predict.py
	python benchmarks/demo.py
	python benchmarks/gpu.py || [ $$? -eq 2 ]
	python docs/update_performance.py

readme: run
	python docs/update_readme.py

schema: environment
	python docs/update_schema.py

same-computation: environment
	python tests/same_computation.py

# For every platform and Python at once. Existing pins of requirements.txt stay, unless a package in
# requirements.in requires another version.
lock:
	@command -v uv >/dev/null || { echo "make lock: uv is missing; run: pip install uv" >&2; exit 1; }
	uv pip compile --quiet --universal --python-version 3.11 --excludes requirements.excludes \
		--custom-compile-command "make lock" --output-file requirements.txt requirements.in

# The environment is complete if it contains a copy of the list from which it was installed. So after an
# edit of the list, or an interrupted installation, it is installed again. The library is an editable
# installation from this folder: edits need no installation, but a moved folder does.
environment:
	@cmp -s requirements.txt $(INSTALLED) || $(MAKE) --no-print-directory install
	@$(BIN)/python -c 'import artistid, pathlib; pathlib.Path(artistid.__file__).relative_to("$(CURDIR)")' \
		2>/dev/null || $(MAKE) --no-print-directory library

.PHONY: install library
install:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	cp requirements.txt $(INSTALLED)

library:
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .

clean:
	rm -rf .venv results/demo results/report.html
