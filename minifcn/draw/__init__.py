"""Drawing: label colours, overlays, curves, the HTML report. matplotlib is imported here alone, and only to plot."""
