"""Pictures with sliders, where there is somebody to move them: in a notebook that is open, with ipywidgets installed. Else one picture.

    play.sliders(draw, row=(0, 9, 4), column=(0, 9, 4))   # each: least, most, at first

`draw(row=…, column=…)` gives a matplotlib figure and its text. Whoever reads the notebook on the web sees the first picture.
"""

from collections.abc import Callable
from typing import Any

import look


def sliders(draw: Callable[..., tuple[Any, str]], **ranges: tuple[int, int, int]) -> None:
    """Show draw(**first values) and, where it can be, a slider for each of them."""
    values = {name: first for name, (_, _, first) in ranges.items()}
    widgets = found_widgets()
    if widgets is None:
        look.show(*draw(**values))
        return
    output = widgets.Output()
    made = {
        name: widgets.IntSlider(first, least, most, description=name, continuous_update=False)
        for name, (least, most, first) in ranges.items()
    }

    def again(_: Any = None) -> None:
        with output:
            output.clear_output(wait=True)
            look.show(*draw(**{name: slider.value for name, slider in made.items()}))

    for slider in made.values():
        slider.observe(again, "value")
    look.display(widgets.VBox([*made.values(), output]))
    again()


def found_widgets() -> Any:
    """ipywidgets, or None where it is not installed or nobody sits in front: a notebook that is run from end to end cannot be asked anything."""
    try:
        import ipywidgets
        from IPython import get_ipython
    except ImportError:
        return None
    kernel = getattr(get_ipython(), "kernel", None)
    return ipywidgets if getattr(kernel, "_allow_stdin", False) else None
