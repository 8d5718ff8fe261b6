"""COCO's formats, which many tools write: instances (polygons and run lengths) and panoptic (PNGs of segments)."""
