"""Drift and its inputs: the part that knows neither Dagster nor dbt's command line."""
