"""Which tests of a day's error alarm, and normals that people accepted."""

from alembic import op

revision = "0009"
down_revision = "0008"

EVENTS = (
    "opened", "reopened", "closed", "acknowledged", "excluded", "closed_by_hand", "withdrawn",
    "accepted",
)  # fmt: skip
TABLES = [
    # Of the tests of a day's error: at which p-value it alarms, and whether it does.
    """
    alter table metrics.performance
        add column threshold_p double precision,
        add column is_alarm boolean
    """,
    # From in_force_on on a column is held against its days from from_date on, not the reference's.
    """
    create table metrics.accepted_normals (
        monitor text not null,
        column_name text not null,
        from_date date not null,
        in_force_on date not null,
        incident_id bigint not null,
        author text not null,
        note text,
        accepted_at timestamptz not null default now(),
        primary key (monitor, column_name, in_force_on),
        check (from_date < in_force_on)
    )
    """,
]


def upgrade() -> None:
    """Add the tables and columns, and the event of an acceptance."""
    for statement in TABLES:
        op.execute(statement)
    names = ", ".join(f"'{event}'" for event in EVENTS)
    op.execute(
        "alter table metrics.incident_events"
        " drop constraint incident_events_event_check,"
        f" add constraint incident_events_event_check check (event in ({names}))"
    )
