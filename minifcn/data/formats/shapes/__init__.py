"""Shapes that are no pixels yet: which pixels a polygon covers by whose rule, and masks as run lengths."""
