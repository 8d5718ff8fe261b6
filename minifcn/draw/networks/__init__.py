"""What a network sees and does: receptive fields, activations back in the picture."""
