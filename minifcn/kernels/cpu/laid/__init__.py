"""The kernels of a plan: their weights laid out once, and their calls taken down for a strip of rows, or for some channels."""
