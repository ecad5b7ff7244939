"""A monitor that is no longer declared is retired: its history stays, its state and alerts end."""

from importlib import import_module

from alembic import op

revision = "0010"
down_revision = "0009"

VERSIONS = "python_metrics.warehouse.migrations.versions"
# Each view with what is said of a retired monitor, in place of what was said before.
CHANGES = {
    "monitor_state": (
        "case\n            when newest.state is distinct",
        "case\n            when monitors.retired_at is not null then 'retired'"
        "\n            when newest.state is distinct",
    ),
    # A row with no day in it, not no row: silence would be an alert of its own.
    "partition_alerts": (
        "monitors.monitor = partitions.monitor\n",
        "monitors.monitor = partitions.monitor\n            and monitors.retired_at is null\n",
    ),
    "freshness": (
        "coalesce(\n            newest.computed_at",
        "coalesce(\n            monitors.retired_at is null\n            and newest.computed_at",
    ),
}


def upgrade() -> None:
    """Note which project declares a monitor and when it no longer did; tell the views."""
    op.execute(
        "alter table metrics.monitors add column project text, add column retired_at timestamptz"
    )
    for view, (before, after) in CHANGES.items():
        statement = _statement(view)
        assert before in statement, view
        op.execute(statement.replace(before, after))


def downgrade() -> None:
    """Make the views as they were, and drop both columns."""
    for view in CHANGES:
        op.execute(_statement(view))
    op.execute("alter table metrics.monitors drop column project, drop column retired_at")


def _statement(view: str) -> str:
    """What made a view before this migration."""
    if view == "monitor_state":
        return str(import_module(f"{VERSIONS}.0009_one_ledger").monitor_state())
    made = f"create view metrics.{view} as"
    statements = import_module(f"{VERSIONS}.0002_dashboards").STATEMENTS
    statement = next(statement for statement in statements if made in statement)
    return str(statement).replace(made, f"create or replace view metrics.{view} as")
