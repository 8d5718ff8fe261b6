# Shortcuts for who works on minifcn. `make` alone runs what CI runs, in the current environment.
.PHONY: check test all lint demo lessons docs torture

check: lint all

test:
	python -m pytest

all:
	python -m pytest --all

lint:
	ruff check .
	ruff format --check .
	mypy

demo:
	python -m minifcn demo

lessons:
	python lessons/films.py
	python lessons/make.py

# the pages and the API reference into site/; a broken link is an error. Needs: pip install -e ".[docs]"
docs:
	@python -c "import latex2mathml, mkdocstrings, zensical" 2>/dev/null || { echo 'make docs needs: pip install -e ".[docs]"'; exit 1; }
	python docs/make/build.py

# what the library promises, tried in bulk (docs/torture.md): hours on two cores; it can be stopped, and goes on. Options: make torture SHARE=0.1 ONLY=files,disk SEED=1
SHARE = 1
ONLY = kills,files,operations,predictions,training,disk,company,installs
SEED = 0
torture:
	python -m tests.torture --share $(SHARE) --only $(ONLY) --seed $(SEED)
