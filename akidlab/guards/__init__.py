"""Guards: they notice what goes wrong in training, and name the block where it arose."""
