"""The training loop: optimizer, steps, checkpoints, and what each method trains."""
