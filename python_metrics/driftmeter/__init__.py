"""Monitoring of batch models in a warehouse; knows neither Dagster nor dbt's command line."""

__version__ = "0.2.0"
