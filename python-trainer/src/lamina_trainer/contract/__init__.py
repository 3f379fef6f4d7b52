"""What the scheduler and the trainer tell each other: requests, results, events, and the tables both judge by."""
