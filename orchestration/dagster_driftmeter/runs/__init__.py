"""A run over a range of days: the chain of steps, worker processes and progress."""
