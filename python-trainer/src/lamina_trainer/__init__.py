"""The trainer of Lamina: runs one trial and measures it."""
