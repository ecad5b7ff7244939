"""The join of predictions with labels that are in a table of their own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from driftmeter.monitors.proposal.column_types import TableName
from driftmeter.monitors.proposal.table import quote


@dataclass(frozen=True)
class Labels:
    """A table of labels, and how a prediction finds its own.

    Attributes
    ----------
    keys : dict of str to str
        By column of the table: the column of the predictions that has the same value.
    conditions : tuple of str
        SQL of the join, one for each key.
    selected : dict of str to str
        SQL with which the join reads each column of the table.
    """

    table: TableName
    keys: Mapping[str, str]
    conditions: tuple[str, ...]
    selected: Mapping[str, str]

    def join(self, table: str, names: Iterable[str], written: Callable[[str], str] = str) -> str:
        """SQL that joins columns of the labels to the predictions before it.

        No name is that of a column of the predictions, and none needs its table before it: a view
        by name gives null in the place of a column that is gone only where it is named alone.

        Parameters
        ----------
        table : str
            The table of labels as SQL or dbt has it.
        names : iterable of str
            Columns to have beside the keys.
        written : function of str to str
            How a file that dbt renders has a piece of SQL.
        """
        columns = [
            f"        {written(f'{self.selected[name]} as {joined(name)}')}"
            for name in dict.fromkeys([*self.keys, *names])
        ]
        return (
            "\nleft join (\n    select\n" + ",\n".join(columns) + f"\n    from {table}\n) as labels"
            f"\n    on {written(' and '.join(self.conditions))}"
        )


def joined(name: str) -> str:
    """The name of a column of the labels beside those of the predictions."""
    return quote(f"labels.{name}")
