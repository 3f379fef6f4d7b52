"""What a trial reports while it works, and how that reaches its listeners."""
