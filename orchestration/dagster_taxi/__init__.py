"""The taxi example: two models of New York trips, in Dagster and on the command line."""
