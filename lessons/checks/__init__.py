"""A file a lesson: the checks of its exercises."""
