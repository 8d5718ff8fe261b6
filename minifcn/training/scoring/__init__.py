"""How good is a network? Predictions, also of huge pictures, the scores of the paper, and what coarse labels could reach."""
