"""The error of this room."""


class TrainingError(ValueError):
    """Training cannot start or go on; the message says why and what to do."""
