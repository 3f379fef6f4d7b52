"""An attempt: the processes that run a trial, from the request to the exit code."""
