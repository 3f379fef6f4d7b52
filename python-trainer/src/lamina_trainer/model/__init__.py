"""A model from its files to a forward pass: loading, layers, precision, adapters."""
