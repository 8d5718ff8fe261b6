"""The folder of a run: what was asked for (`config.py`), what is in it (`folder.py`, `tables.py`), and who may write (`lock.py`)."""
