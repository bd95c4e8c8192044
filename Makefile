# `make help` lists what there is to do. Everything is set up by itself: `make demo` and `make test` work on a fresh clone.

BOOTSTRAP = sh tools/python.sh tools/bootstrap.py
PYTHON = .venv/bin/python
STACK = auto
TESTS = tests
WORKERS = 2
DATA = ../shared/data

.PHONY: help env jupyter kfp lock demo test test-fast lint format types bench-quality bench-quality-floor bench-ingestion bench-pipeline bench-tuner bench-strategies bench-trees bench-evaluator bench-task-start test-flink test-spark test-docker test-stack-b test-stack-b-fast clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

env:  ## build or update .venv (STACK=a or STACK=b chooses the versions; by itself the newest that runs here)
	@$(BOOTSTRAP) env --stack $(STACK)

lock:  ## renew requirements/*.txt from setup.py and requirements/*.in (UPGRADE=--upgrade moves to the newest versions)
	$(BOOTSTRAP) lock $(UPGRADE)

demo: env  ## run the main job on real data that comes with scikit-learn; results in runs/demo
	.venv/bin/tfx-automl demo

test: env  ## run all tests, two files at once (TESTS=tests/search runs some of them, WORKERS=0 one by one)
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

test-fast: env  ## run the tests that take seconds, not minutes
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(TESTS)

lint: env  ## check style
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: env  ## mend style where that can be done by itself
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types: env  ## check types
	$(PYTHON) tools/typecheck.py

bench-ingestion: env  ## compare ExampleGen with TFX's own (ARGS="--cases csv --data FOLDER" runs some of it)
	$(PYTHON) benchmarks/ingestion.py $(ARGS)

bench-tuner: env  ## compare Tuner with keras_tuner.Hyperband on Fashion-MNIST (ARGS="--data FOLDER")
	$(PYTHON) benchmarks/tuner.py $(ARGS)

bench-pipeline: env  ## compare the whole pipeline with a stock TFX pipeline (DATA=folder, ARGS="--rows 20000 --trials 2 --epochs 2")
	$(PYTHON) benchmarks/pipeline.py --data $(DATA) $(ARGS)

bench-quality-floor: env  ## compare three public data sets with the quality floor (DATA=folder, ARGS="--case penguins")
	$(PYTHON) benchmarks/quality_floor.py $(DATA) $(ARGS)

bench-quality: env build/flaml  ## compare models with FLAML, a random forest and a linear model (DATA=folder, ARGS="--sets wine")
	$(PYTHON) benchmarks/quality.py $(DATA) $(ARGS)

build/flaml build/jupyter build/kfp: build/%: requirements/%.txt
	$(BOOTSTRAP) uv venv --quiet --clear --python $(CURDIR)/$(PYTHON) $@
	$(BOOTSTRAP) uv pip sync --quiet --python $@/bin/python --require-hashes --compile-bytecode $<
	touch $@

jupyter: env build/jupyter  ## build build/jupyter, with which a test opens a notebook in JupyterLab (needs chromium, too)

kfp: env build/kfp  ## build build/kfp, the Kubeflow Pipelines SDK, with which tests load and run compiled pipelines

bench-strategies: env  ## compare the search strategies with each other and with Optuna (ARGS="--seeds 2 --problems branin")
	$(PYTHON) benchmarks/strategies.py $(ARGS)

bench-trees: env  ## compare boosted trees with plain scikit-learn (ARGS="--rows 30000 --threads 2")
	$(PYTHON) benchmarks/boosted_trees.py $(ARGS)

bench-evaluator: env  ## compare the Evaluator's columnar engine with TFMA (ARGS="--rows 20000")
	$(PYTHON) benchmarks/evaluator.py $(ARGS)

bench-task-start: env  ## compare how long tasks take to begin with TFX's entry point (ARGS="--components Trainer --rounds 3")
	$(PYTHON) benchmarks/task_start.py $(ARGS)

test-flink: env  ## run the demo and searches on a real Flink on this machine (needs Java, Maven, unshare and ip)
	$(PYTHON) tools/flink.py $(PYTHON) -m pytest -m flink tests/flink

test-spark: env  ## run the demo on a real Spark on this machine (needs Java, Maven, unshare and ip)
	$(PYTHON) tools/spark.py $(PYTHON) -m pytest -m spark tests/spark

test-docker: env kfp  ## build the container image and run pipelines in it (needs Docker; starts dockerd where it may; IMAGE_STACK=b for the other stack)
	$(PYTHON) tools/image.py $(if $(IMAGE_STACK),--stack $(IMAGE_STACK)) $(PYTHON) -m pytest -m docker tests/kubeflow

test-stack-b:  ## run all tests with the newest TFX, in a Debian 13 root under build/ (needs root and debootstrap)
	sh tools/stack_b.sh make test TESTS="$(TESTS)"

test-stack-b-fast:  ## the same with the fast tests only
	sh tools/stack_b.sh make test-fast TESTS="$(TESTS)"

clean:  ## remove everything that was built, the environment included; runs/ stays
	rm -rf build dist .venv .tools *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
