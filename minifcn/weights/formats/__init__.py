"""Readers of other people's weight files: a file in, named arrays out. They know nothing of networks, and no file makes them run anything."""
