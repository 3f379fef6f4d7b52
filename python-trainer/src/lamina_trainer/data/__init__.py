"""A data set from its records to blocks of tokens."""
