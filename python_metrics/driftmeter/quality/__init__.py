"""Counts, bins and histograms of a day, as dbt stores them."""
