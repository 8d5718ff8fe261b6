"""The photograph that every installation has: Grace Hopper's portrait, among matplotlib's sample data."""

from pathlib import Path

PORTRAIT = "grace_hopper.jpg"


def portrait() -> Path | None:
    """The file of the portrait, or None where matplotlib came without its sample data, as some packagers have it."""
    from matplotlib.cbook import get_sample_data

    try:
        path = Path(get_sample_data(PORTRAIT, asfileobj=False))
    except OSError:
        return None
    return path if path.is_file() else None
