"""Measures a model: loss, speed, memory, energy, storage, tasks."""
