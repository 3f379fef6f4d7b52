"""Weights in few bits: one module per library, behind one interface."""
