"""Ultralytics' YOLO: outlines, a text file a picture and a line an object, or masks; data.yaml says which and what they are."""
