"""Peak memory of a training step on a GPU, without one: the step runs on tensors that have shapes and no values."""
