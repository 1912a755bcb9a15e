# make book          build the book into _build/html
# make draft         render what has changed since the last build, in seconds
# make pdf           print the book into _build/pdf
# make epub          write the book as an EPUB 3 into _build/epub
# make gettext       write what is to be translated into _build/gettext
# make lite          add to the book a JupyterLab that runs in the browser, into _build/html/lite
# make serve         show the built book at an address that it says, so that its pages can be made live
# make test          check everything: package, notebooks, book
# make lint          check habits, types, docstrings, spelling, workflows and scripts, in seconds
# make dist          build the package for release, and check it from outside
# make test-versions run the package's tests on the oldest and the newest Python and NumPy that can be had
# make newest        build and test the book with the newest releases of all it stands on, and say what broke
# make lock          write anew what is installed: make UPGRADE=1 lock takes newer releases
# make test-peers    compare with PyTorch, search on a Dask cluster, read tables of pandas and polars (a large download)
# make bench         measure speed against PyTorch, and store the result
# make bench-svm     measure the support vector machines against libsvm, and on all of MNIST, and store the results
# make bench-pages   measure how the built pages load, and store the result
# make retrain       repeat the long training runs, and compare them with the stored ones
# make frameworks    train in nnlib, PyTorch and Keras side by side, and store the result (a larger download)
# make help          list these commands
# make clean-notebooks   export the package, take outputs and volatile metadata out of the notebooks

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRAMEWORKS := .venv-frameworks
LITE := .venv-lite
LOCK := .venv-lock
WORKSPACE := _build/html/lite/index.html
LIVE := _build/.live
export NNLIB_PYODIDE ?=
export BASEURL ?=
export TAG ?=
ADDRESS := _build/.address
SITE := _build/html/index.html
SOURCES := _config.yml _toc.yml $(shell find nbs nnlib data -type f -not -path '*/.*' -not -name '*.pyc')

# $(call supported,PYTHON,NEWEST): refuse one that is older than 3.11 or newer than this, in one sentence
supported = $(1) -c "import sys; v = sys.version_info[:2]; \
	sys.exit(None if (3, 11) <= v <= (3, $(2)) else 'Python 3.11 to 3.$(2) is needed, and $(1) is %d.%d: make PYTHON=python3.13' % v)"
# $(call install,PYTHON,LOCK): every file is checked against the lock
install = $(1) -m pip install --disable-pip-version-check --quiet --require-hashes --requirement .ci/locks/$(2).txt
# $(call link,PYTHON): the package is this folder, which has no hash, so it is a command of its own: without what it needs,
# which is there, and built with the setuptools that is there, since pip would fetch another one unchecked
link = $(1) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
# $(call note,TEXT): write the text, a word of the shell, into the target, unless it stands there
note = mkdir -p $(@D) && { test -f $@ && test "$$(cat $@)" = "$(1)" || echo "$(1)" > $@; }

# a worker for each core, up to four: each may have a browser and a kernel; make WORKERS= test uses none
WORKERS := -n logical --maxprocesses 4 --dist loadgroup

.NOTPARALLEL:
.PHONY: help always book draft serve pdf epub gettext lite lint test test-versions newest lock dist test-peers bench bench-svm bench-pages retrain frameworks clean-notebooks clean

book: $(SITE)
	@$(BIN)/python -c "from pathlib import Path; print('The book is built. Open %s, or run make serve to make its pages live' % Path('$(SITE)').absolute().as_uri())"

# every page is written anew (--all), chapters run only if their code or the package has changed
$(SITE): $(VENV)/.book $(SOURCES) $(LIVE) $(ADDRESS)
	@rm -f $@
	$(BIN)/nbdev_export
	$(BIN)/jupyter-book build . --all -W -n --keep-going || { rm -f $@; exit 1; }
	@touch $@

# only what has changed is read and written, and a warning is no error: for a look while writing.
# Navigation and numbers of other pages may be of before; `make book` writes everything
draft: $(VENV)/.book
	$(BIN)/nbdev_export
	$(BIN)/jupyter-book build . -n --keep-going

# BASEURL is the address at which the site will be published; another one writes every page anew
$(ADDRESS): always
	@$(call note,$$BASEURL)

# the browser prints the built pages: what `make test` needs, and no TeX
pdf: book $(VENV)/.test
	$(BIN)/python tools/print.py

epub: book $(VENV)/.test
	$(BIN)/python tools/epub.py

gettext: book
	$(BIN)/jupyter-book build . --builder custom --custom-builder gettext

lite: $(WORKSPACE)
	@echo "The workspace is built. Run make serve, and open lite/ at the address that it says"

$(WORKSPACE): $(SITE) $(LITE)/.installed
	$(BIN)/python tools/lite.py $(LITE)/bin/jupyter
	@touch $@

# NNLIB_PYODIDE names a folder with an official distribution of Pyodide 0.27.7, instead of the download; without a network
# the book is built all the same, with no live pages; not so in continuous integration. What is there is noted in the target
$(LIVE): always | $(VENV)/.book
	@test -n "$$NNLIB_PYODIDE" || $(BIN)/python nbs/_ext/nnbook/live/pyodide.py _build/.pyodide || test -z "$$CI"
	@$(call note,$${NNLIB_PYODIDE:-$$(ls _build/.pyodide 2>/dev/null)})

serve: book
	$(BIN)/python tools/serve.py

# what needs no run of the book; the scripts of the pages are checked where node is
lint: $(VENV)/.test
	$(BIN)/python tools/lint.py

test: lint book $(VENV)/.test
	$(BIN)/python -m pytest $(WORKERS) --cov --cov-report=term-missing

# the package as it is shipped, and a look at it from outside
dist: $(VENV)/.test
	rm -rf _build/dist
	$(BIN)/python -m build --no-isolation --outdir _build/dist
	$(BIN)/python tools/check_dist.py _build/dist "$$TAG"

test-versions: $(VENV)/.test
	$(BIN)/python tools/versions.py

newest: $(VENV)/.test
	$(BIN)/python tools/newest.py

# what pyproject.toml chooses, with all that it brings along, for every Python and system
lock: $(LOCK)/.installed
	$(LOCK)/bin/python tools/lock.py $(if $(UPGRADE),--upgrade)

test-peers: $(VENV)/.peers
	$(BIN)/python -m pytest $(WORKERS) tests/peers

bench: $(VENV)/.peers
	$(BIN)/python -m studies.speed --store

bench-svm: $(VENV)/.peers
	$(BIN)/python -m studies.svm_speed --store
	$(BIN)/python -m studies.svm_growth --store
	$(BIN)/python -m studies.svm_grid --store
	$(BIN)/python -m studies.svm_digits --store

bench-pages: $(VENV)/.test book
	$(BIN)/python -m studies.pages --store

retrain: $(VENV)/.book
	$(BIN)/python -m studies.trainings
	$(BIN)/python -m studies.step_limit
	$(BIN)/python -m studies.decoders

frameworks: $(FRAMEWORKS)/.installed
	$(FRAMEWORKS)/bin/python -m studies.frameworks

# what stands at the head of this file
help:
	@sed -n "s/^# make /make /p" Makefile

clean-notebooks: $(VENV)/.book
	$(BIN)/python tools/clean.py
	$(BIN)/nbdev_clean
	$(BIN)/nbdev_export

clean:
	rm -rf _build

$(VENV)/bin/python:
	@$(call supported,$(PYTHON),15)
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.book: $(VENV)/bin/python pyproject.toml .ci/locks/book.txt
	@echo "Installing what the book is built with; this takes about a minute ..."
	$(call install,$(BIN)/python,book)
	$(call link,$(BIN)/python)
	@touch $@

$(VENV)/.test: $(VENV)/.book .ci/locks/test.txt
	$(call install,$(BIN)/python,test)
	@touch $@

$(VENV)/.peers: $(VENV)/.test .ci/locks/peers.txt
	@$(call supported,$(BIN)/python,14)
	$(call install,$(BIN)/python,peers)
	@touch $@

# environments of their own: the chapter is built without the frameworks, and the book without what builds the workspace
$(LITE)/.installed: .ci/locks/lite.txt
	@$(call supported,$(PYTHON),15)
	$(PYTHON) -m venv $(LITE)
	$(call install,$(LITE)/bin/python,lite)
	@touch $@

$(FRAMEWORKS)/.installed: pyproject.toml .ci/locks/frameworks.txt
	@$(call supported,$(PYTHON),13)
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(call install,$(FRAMEWORKS)/bin/python,frameworks)
	$(call link,$(FRAMEWORKS)/bin/python)
	@touch $@

$(LOCK)/.installed: .ci/locks/lock.txt
	@$(call supported,$(PYTHON),15)
	$(PYTHON) -m venv $(LOCK)
	$(call install,$(LOCK)/bin/python,lock)
	@touch $@
