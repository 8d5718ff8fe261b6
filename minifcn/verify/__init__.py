"""Is a gradient right? Nothing in the library needs this room; the tests, the lessons and doubters do."""
