"""The engine: Tensor, Function and the walk back; and the check that holds every gradient to account."""
