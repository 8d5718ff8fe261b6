"""The one exception of this room."""


class DataError(ValueError):
    """Pictures, labels or lists that cannot be used as they are; the message names the file or value and what to do."""
