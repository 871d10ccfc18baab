"""Fuzzing guided by coverage. `python -m tests.fuzz TARGET` goes on until it is stopped, or finds something."""
