"""VIA, the VGG Image Annotator: regions of pictures in a JSON or CSV file."""
