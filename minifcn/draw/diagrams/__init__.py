"""Diagrams as SVG: `graph.py` a computation, `architecture.py` a network as in Figure 3 of the paper; `svg.py` what both write."""
