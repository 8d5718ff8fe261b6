"""What one run on a GPU decides: the stages of `tests/gpu/device_check.sh`, a file each. On the stand-in they are tried, and prove nothing of a GPU."""
