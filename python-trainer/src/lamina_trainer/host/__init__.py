"""The machine the trainer runs on: files, signals, threads, the device and the environment."""
