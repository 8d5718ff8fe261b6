"""The claims, a file a topic. Each file enters its claims into the list when it is imported."""
