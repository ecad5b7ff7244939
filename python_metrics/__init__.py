"""Drift, quality and performance of batch predictions: the part that knows neither Dagster nor dbt's CLI."""
