"""What `minifcn train` is told: its options, the configuration that they make, and what there is to say of them."""
