# Two commands do everything on a fresh machine with Python 3.11 and make: make book, make test.
# Each makes .venv from requirements.lock when it is missing or out of date.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
EXTRA := .venv/.reconstruct
# Where it is set, each process would compile all libraries anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: book editions test lint format lab wheel notebooks lock audit bench clean

# What nothing has changed for is not made again: the program looks, and says so.
book: $(STAMP)
	$(BIN)/salvage-book build

# The tests read the finished book, so it is brought up to date first. They also make a small cohort,
# which needs the solver and the compiler of the extra `reconstruct`; readers and re-runners do not install these.
test: $(EXTRA)
	$(MAKE) --no-print-directory --jobs 2 lint book
	JUPYTER_DEFAULT_PROVISIONER_NAME=forked $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 30 --durations-min 10

# The house keeps its order: layout, spelling (tools/words.txt: what only looks misspelt), floors, types. `make format` lays the code out.
lint: $(STAMP)
	$(BIN)/ruff check --quiet analysis_lib tests tools notebooks
	$(BIN)/ruff format --quiet --check analysis_lib tests tools
	$(BIN)/codespell analysis_lib tools notebooks book *.md *.cff Makefile pyproject.toml _config.yml
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/sbom.py --check
	$(BIN)/mypy --no-error-summary

format: $(STAMP)
	$(BIN)/ruff check --quiet --fix analysis_lib tests tools notebooks
	$(BIN)/ruff format --quiet analysis_lib tests tools

# For teachers: the student's edition, the teacher's, and slides.
editions: $(STAMP)
	$(BIN)/salvage-book editions

lab: $(STAMP)
	$(BIN)/jupyter lab --notebook-dir notebooks

# What is installed without a checkout; tests/book/test_installed.py does so.
wheel: $(STAMP)
	$(BIN)/python -m hatchling build --target wheel --directory dist

# The committed notebooks: generated from their .py source, then executed; what nothing has changed for is left alone.
notebooks: $(STAMP)
	$(BIN)/python tools/notebooks.py

# How long everything takes, side by side: bench/results.md, which the book shows. Hours of an otherwise idle machine; `make bench BENCH=--quick` tries it.
bench: $(STAMP)
	$(BIN)/python tools/bench.py $(BENCH)

# The locks, and the bill of materials that says what is in them, with licences (CycloneDX).
lock:
	printf 'uv\n' | $(BIN)/uv pip compile --quiet --generate-hashes --custom-compile-command "make lock" \
		--python-version 3.11 - --output-file installer.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --custom-compile-command "make lock" \
		--extra test --extra lint --extra lab --python-version 3.11 pyproject.toml --output-file requirements.lock
	printf 'ortools\nnumba\n' | $(BIN)/uv pip compile --quiet --generate-hashes \
		--custom-compile-command "make lock" --constraint requirements.lock --python-version 3.11 - --output-file reconstruct.lock
	$(MAKE) $(EXTRA)
	$(BIN)/python tools/sbom.py

# Known vulnerabilities of what is locked; needs a network, and is no part of `make test`.
audit: $(STAMP)
	$(BIN)/uv tool run pip-audit==2.10.1 --disable-pip --require-hashes --requirement requirements.lock --requirement reconstruct.lock

clean:
	rm -rf _build dist book/cohorts book/generated notebooks/.ipynb_checkpoints

# Into .venv and nowhere else: without --python, uv would fill an environment that the user has active.
$(STAMP): installer.lock requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement installer.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

$(EXTRA): reconstruct.lock $(STAMP)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement reconstruct.lock
	touch $@
