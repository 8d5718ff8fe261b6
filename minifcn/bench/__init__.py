"""How fast is it, and against what? Whole networks and single layers, timed in turns with PyTorch; `minifcn bench` prints them.

`networks.py` writes each network once, as layer calls; `ours.py`, `rival.py` and `shapes.py` are three readings of those calls: run by
minifcn, run by PyTorch, counted. `cases.py` lists what is measured, `measure.py` holds the clock, `memory.py` a child process's memory,
`running.py` puts them together.
"""
