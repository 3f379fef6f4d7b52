"""Evaluation tasks: local task files of lm-evaluation-harness, scored on the model as cut and as trained."""
