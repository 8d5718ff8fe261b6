"""The synthetic set: pictures of shapes, with exact labels, drawn from a seed."""
