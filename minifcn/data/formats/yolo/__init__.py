"""Ultralytics' YOLO segmentation: a text file a picture, an outline a line."""
