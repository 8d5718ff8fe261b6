"""The page of a training run: curves, scores, pictures, in one HTML file that needs nothing else."""
