"""What is measured of a model: loss, speed, memory, energy, storage, tasks."""
