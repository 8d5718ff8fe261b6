"""`python -m minifcn …` is `minifcn …`."""

from minifcn.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
