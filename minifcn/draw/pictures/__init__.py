"""Pictures with labels over them: overlays, legends, sheets of many."""
