"""dbt as a resource of Dagster's, without what only metadata of columns and row counts need."""

from collections.abc import Sequence

from dagster_dbt import DbtCliResource


class DbtWithoutAdapter(DbtCliResource):
    """Runs dbt; connects this process to no database of its own beside it.

    Before each call of dbt, Dagster's resource reads the project's profile, loads all macros and
    makes an adapter, in this process too, which takes two seconds. Only `fetch_row_counts` and
    `fetch_column_metadata` ask the adapter for anything, and where it is None they say so.
    """

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]
        return None

    # Its name in older releases.
    def _initialize_adapter(self, args: Sequence[str]) -> None:
        return None
