"""Monitoring of batch models in a warehouse, independent of Dagster and dbt's command line."""

__version__ = "0.2.0"
