"""Dagster and the command line: runs the pipeline partition by partition. Bodies are thin."""
