"""What the trainer needs of its machine: files, signals, threads, the device and the environment."""
