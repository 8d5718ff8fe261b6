"""Fast kernels for a CPU, in NumPy: each has a twin of the same name in `kernels/simple.py` that it is tested against."""
