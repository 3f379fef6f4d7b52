"""One trial from a request to a result."""
