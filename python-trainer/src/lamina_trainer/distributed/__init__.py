"""Several processes that share one trial: ranks, the process group, sharding and their supervision."""
