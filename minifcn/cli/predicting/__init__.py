"""What `minifcn predict` does with each picture: read it, ask the network, write what was found; and in which turns."""
