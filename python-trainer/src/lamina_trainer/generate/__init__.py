"""Training data written by a language model: asked for once, cleaned, deduplicated, and named by its content."""
