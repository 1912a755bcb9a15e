# make book          build the book into _build/html
# make pdf           print the book into _build/pdf
# make lite          add to the book a JupyterLab that runs in the browser, into _build/html/lite
# make serve         show the built book at http://127.0.0.1:8000, so that its pages can be made live
# make test          check everything: package, notebooks, book
# make dist          build the package for release, and check it from outside
# make test-peers    compare with PyTorch, search on a Dask cluster (a large download)
# make bench         measure speed against PyTorch, and store the result
# make bench-svm     measure the support vector machines against libsvm, and on all of MNIST, and store the results
# make bench-pages   measure how the built pages load, and store the result
# make retrain       repeat the long trainings, and compare them with the stored ones
# make frameworks    train in nnlib, PyTorch and Keras side by side, and store the result (a larger download)
# make clean-notebooks   export the package, take outputs and volatile metadata out of the notebooks

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint .ci/constraints.txt
FRAMEWORKS := .venv-frameworks
LITE := .venv-lite
WORKSPACE := _build/html/lite/index.html
PINS := pyproject.toml .ci/constraints.txt
LIVE := _build/.pyodide/pyodide.mjs
export NNLIB_PYODIDE ?=
export BASEURL ?=
ADDRESS := _build/.address
SITE := _build/html/index.html
SOURCES := _config.yml _toc.yml $(shell find nbs nnlib data -type f -not -path '*/.*' -not -name '*.pyc')

.NOTPARALLEL:
.PHONY: always book serve pdf lite test dist test-peers bench bench-svm bench-pages retrain frameworks clean-notebooks clean

book: $(SITE)
	@echo "The book is built. Open file://$(CURDIR)/$(SITE), or run make serve to make its pages live"

# every page is written anew (--all), chapters run only if their code or the package has changed
$(SITE): $(VENV)/.book $(SOURCES) $(LIVE) $(ADDRESS)
	@rm -f $@
	$(BIN)/nbdev_export
	$(BIN)/jupyter-book build . --all -W -n --keep-going || { rm -f $@; exit 1; }
	@touch $@

# BASEURL is the address at which the site will be published; another one writes every page anew
$(ADDRESS): always
	@mkdir -p $(@D)
	@test "$$(cat $@ 2>/dev/null)" = "$(BASEURL)" && test -f $@ || echo "$(BASEURL)" > $@

# the browser prints the built pages: what `make test` needs, and no TeX
pdf: book $(VENV)/.test
	$(BIN)/python tools/print.py

lite: $(WORKSPACE)
	@echo "The workspace is built. Run make serve, and open http://127.0.0.1:8000/lite/"

$(WORKSPACE): $(SITE) $(LITE)/.installed
	$(BIN)/python tools/lite.py $(LITE)/bin/jupyter
	@touch $@

# NNLIB_PYODIDE names a folder with an official distribution of Pyodide 0.27.7, instead of the download;
# without a network the book is built all the same, with no live pages; not so in continuous integration
$(LIVE): nbs/_ext/nnbook/live/pyodide.json | $(VENV)/.book
	@test -n "$(NNLIB_PYODIDE)" || $(BIN)/python nbs/_ext/nnbook/live/pyodide.py $(@D) || test -z "$$CI"

serve: book
	$(BIN)/python tools/serve.py

test: book $(VENV)/.test
	$(BIN)/mypy
	$(BIN)/python -m pytest --cov --cov-report=term-missing

# the package as it is shipped, and a look at it from outside
dist: $(VENV)/.test
	rm -rf _build/dist
	$(BIN)/python -m build --no-isolation --outdir _build/dist
	$(BIN)/python tools/check_dist.py _build/dist $(TAG)

test-peers: $(VENV)/.peers
	$(BIN)/python -m pytest tests/peers

bench: $(VENV)/.peers
	$(BIN)/python -m studies.speed --store

bench-svm: $(VENV)/.peers
	$(BIN)/python -m studies.svm_speed --store
	$(BIN)/python -m studies.svm_growth --store

bench-pages: $(VENV)/.test book
	$(BIN)/python -m studies.pages --store

retrain: $(VENV)/.book
	$(BIN)/python -m studies.trainings

frameworks: $(FRAMEWORKS)/.installed
	$(FRAMEWORKS)/bin/python -m studies.frameworks

clean-notebooks: $(VENV)/.book
	$(BIN)/jupyter nbconvert --clear-output --inplace --log-level=WARN nbs/*.ipynb
	$(BIN)/nbdev_clean
	$(BIN)/nbdev_export

clean:
	rm -rf _build

$(VENV)/bin/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.11')"
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.book: $(VENV)/bin/python $(PINS)
	@echo "Installing what the book is built with; this takes about a minute ..."
	$(PIP) --editable '.[book]'
	@touch $@

$(VENV)/.test: $(VENV)/.book
	$(PIP) --editable '.[book,test]'
	@touch $@

$(VENV)/.peers: $(VENV)/.test
	$(PIP) --editable '.[book,test,peers]'
	@touch $@

# environments of their own: the chapter is built without the frameworks, and the book without what builds the workspace
$(LITE)/.installed: $(PINS)
	$(PYTHON) -m venv $(LITE)
	$(LITE)/bin/python -m pip install --disable-pip-version-check --quiet --constraint .ci/constraints.txt --editable '.[lite]'
	@touch $@

$(FRAMEWORKS)/.installed: $(PINS)
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python -m pip install --disable-pip-version-check --quiet --constraint .ci/constraints.txt --editable '.[frameworks]'
	@touch $@
