"""Macros of the package as the SQL linter sees them, which knows no packages of dbt's."""


def in_window(column: str = "partition_date") -> str:
    """A condition in the place of the run's days."""
    return f"{column} is not null"
