"""Functions of single numbers, and of a number beside others of its axis: powers, squashing functions and the softmax, limits."""
