"""Fast kernels for a GPU: Python that launches the CUDA sources in `cuda/`, each tested against its twin in `kernels/simple.py`."""
