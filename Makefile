# Shortcuts for who works on minifcn. `make` alone runs what CI runs, in the current environment.
.PHONY: check test all lint demo lessons docs

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
	python lessons/make.py

# the pages and the API reference into site/; a broken link is an error. Needs: pip install -e ".[docs]"
docs:
	python docs/make/build.py
