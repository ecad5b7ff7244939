"""What incidents are made of, what was done about them, and who was told."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = [
    # Everything that was wrong on a day, diagnosed: incidents are folded from these, day by day.
    """
    create table metrics.breaches (
        monitor text not null,
        partition_date date not null,
        rank integer not null,
        family text not null,
        kind text not null,
        severity text not null check (severity in ('warn', 'error')),
        model_version text,
        segment text,
        segment_value text,
        column_name text,
        columns text[] not null default '{}',
        diagnosis text not null,
        evidence jsonb not null default '{}',
        config_hash text,
        computed_at timestamptz not null default now(),
        primary key (monitor, partition_date, rank)
    )
    """,
    # What a day's breaches were written from, so that no day is diagnosed twice for nothing.
    "alter table metrics.partitions add column breaches_of text",
    """
    alter table metrics.incidents
        add column family text,
        add column cause text,
        add column columns text[] not null default '{}',
        add column days integer not null default 1,
        add column reopened integer not null default 0,
        add column closed_by text,
        add column acknowledged_at timestamptz
    """,
    # One incident has one cause and one first day, however often its days are computed.
    "create unique index incidents_cause on metrics.incidents (monitor, cause)",
    """
    create table metrics.incident_events (
        event_id bigint generated always as identity primary key,
        incident_id bigint not null,
        monitor text not null,
        event text not null check (
            event in (
                'opened', 'reopened', 'closed', 'acknowledged', 'excluded', 'closed_by_hand',
                'withdrawn'
            )
        ),
        on_date date not null,
        kind text not null,
        diagnosis text not null,
        report_url text,
        author text not null,
        note text,
        at timestamptz not null default now()
    )
    """,
    "create index incident_events_of on metrics.incident_events (incident_id, event_id)",
    # Who was told what: one row an event, whether it went out or failed for good.
    """
    create table metrics.notifications (
        event_id bigint primary key,
        state text not null check (state in ('sent', 'failed', 'retrying')),
        attempts integer not null default 0,
        reason text,
        sent_at timestamptz,
        tried_at timestamptz not null default now()
    )
    """,
]


def upgrade() -> None:
    """Add the tables, and what incidents have beside the contract's columns."""
    for statement in STATEMENTS:
        op.execute(statement)
