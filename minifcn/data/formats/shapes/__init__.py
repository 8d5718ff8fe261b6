"""Shapes that are no pixels yet: which pixels a polygon covers by whose rule, an ellipse, and masks as run lengths."""
