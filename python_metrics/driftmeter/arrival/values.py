"""How a value of an inference table is read in SQL, whatever the type of its column.

Null and NaN are missing. dbt's package reads alike: `dbt_project/driftmeter/macros/values.sql`.
"""

from psycopg import sql

from driftmeter.monitors.config import Monitor
from driftmeter.monitors.derived_columns import Measure
from driftmeter.monitors.labels import FALSE, TRUE, label_in_sql

# The types that have a NaN.
FLOATING = sql.SQL("('real'::regtype, 'double precision'::regtype, 'numeric'::regtype)")


# What of a text or a vector a function of the warehouse gives; dbt's package calls the same.
FUNCTIONS: dict[Measure, str] = {
    "length": "text_length",
    "new words": "text_new_words",
    "script": "text_script",
    "language": "text_language",
    "norm": "vector_norm",
}


def expression_of(monitor: Monitor, name: str) -> sql.Composable:
    """What a monitored column is in SQL: a column of the table, or what is derived of one."""
    column = monitor.columns.get(name)
    if column is None or column.of is None or column.measure is None:
        return sql.Identifier(name)
    value: sql.Composable = sql.Identifier(column.of)
    if column.measure != "norm":
        value = sql.SQL("{}::text").format(value)
    if column.measure == "new words":
        form = "{value}, {monitor}, {column}, partition_date"
        value = sql.SQL(form).format(
            value=value, monitor=sql.Literal(monitor.name), column=sql.Literal(column.of)
        )
    function = sql.Identifier("metrics", FUNCTIONS[column.measure])
    return sql.SQL("{}({})").format(function, value)


def projection_of(vector: str) -> sql.Composed:
    """The fixed projection of a vector as text: numbers with blanks between them."""
    return sql.SQL("metrics.vector_projection({})").format(sql.Identifier(vector))


def number_of(column: sql.Composable) -> sql.Composed:
    """A number as double precision."""
    return sql.SQL("nullif({}::double precision, 'NaN')").format(column)


def prediction_of(monitor: Monitor, column: sql.Composable) -> sql.Composed:
    """The prediction: a number, or one of several classes as text."""
    return text_of(column) if monitor.task == "multiclass" else number_of(column)


def text_of(column: sql.Composable) -> sql.Composed:
    """A category, a segment's value or a version as text, as Postgres prints it."""
    # In a column of text NaN is a text like any other.
    form = (
        "case when {column}::text <> 'NaN' or pg_typeof({column}) not in {floating}"
        " then {column}::text end"
    )
    return sql.SQL(form).format(column=column, floating=FLOATING)


def category_of(monitor: Monitor, name: str) -> sql.Composed:
    """A column as text; a target of two classes as ``true`` and ``false``, and else as it is."""
    column = expression_of(monitor, name)
    if not isinstance(column, sql.Identifier):
        # A function's text, which need not be called twice.
        return sql.Composed([column])
    if name != monitor.target or monitor.task != "classification":
        return text_of(column)
    as_text = sql.SQL("{}::text").format(column)
    return label_in_sql(as_text, f"'{TRUE}'", f"'{FALSE}'", text_of(column))


def outcome_of(monitor: Monitor, column: sql.Composable) -> sql.Composed:
    """The target: a finite number, a boolean of two classes, or a class of several as text.

    Null where it is none.
    """
    if monitor.task == "multiclass":
        return text_of(column)
    if monitor.task == "regression":
        form = (
            "case when abs({column}::double precision) < 'infinity'"
            " then {column}::double precision end"
        )
        return sql.SQL(form).format(column=column)
    return label_in_sql(sql.SQL("{}::text").format(column), "true", "false", sql.NULL)
