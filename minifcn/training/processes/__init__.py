"""Processes that share each batch: started here (`together.py`) or by MPI (`mpi.py`); what each does in a step is in `group.py`."""
