"""What stands in a picture file: how it is found out, how deep its numbers are, which way up, and parts of huge ones."""
