"""ONNX: a graph of operations with its constants. Names say little, so the graph is followed."""
