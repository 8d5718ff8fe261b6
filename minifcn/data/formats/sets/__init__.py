"""Public sets as they are unpacked: a file a set."""
