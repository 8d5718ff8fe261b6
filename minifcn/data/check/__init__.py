"""What is wrong with a data folder: every split, every pair, every finding with its file and what to do."""
