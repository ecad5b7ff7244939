"""One ledger of alarms, which all counts of alarm days read; and normals that people accepted."""

from importlib import import_module

from alembic import op

revision = "0009"
down_revision = "0008"

VERSIONS = "python_metrics.warehouse.migrations.versions"
EVENTS = (
    "opened", "reopened", "closed", "acknowledged", "excluded", "closed_by_hand", "withdrawn",
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
DRIFT_SCORED = """
    create or replace view metrics.drift_scored as
    select
        drift.*,
        metrics.segment_label(segment, segment_value) as segment_label,
        case
            when status <> 'ok' then null
            when is_drifted or is_slow then greatest(score / nullif(threshold, 0), 1)
            else least(score / nullif(threshold, 0), 0.99)
        end as score_ratio,
        coalesce(
            is_drifted
            or (
                is_slow
                -- Days before it was accepted were judged against the reference, and are no longer
                -- shown as away from it.
                and (
                    baseline = 'accepted'
                    or not exists (
                        select 1 from metrics.accepted_normals as accepted
                        where
                            accepted.monitor = drift.monitor
                            and accepted.column_name = drift.column_name
                            and accepted.from_date <= drift.partition_date
                    )
                )
            ),
            false
        ) as is_away
    from metrics.drift
    where
        method in ('day_level', 'domain_classifier')
        and baseline in ('reference', 'accepted')
    """
ALARMS = """
    create view metrics.alarms as
    select
        monitor,
        partition_date,
        case
            when column_name is null then 'classifier'
            when segment is null then 'columns'
            else 'segments'
        end as budget,
        column_name,
        segment,
        segment_value,
        score_ratio as ratio
    from metrics.drift_scored
    where is_drifted
    union all
    select
        monitor,
        partition_date,
        'error',
        metric,
        null,
        null,
        case metric when 'excess_error' then 1 + value else value / nullif(reference_value, 0) end
    from metrics.performance
    where is_alarm
    union all
    select monitor, partition_date, 'volume', null, null, null, null
    from metrics.breaches
    where kind = 'volume'
    """
ALARM_DAYS = """
    create view metrics.alarm_days as
    select
        monitor,
        partition_date,
        count(*) as alarms,
        array_agg(distinct budget order by budget) as budgets
    from metrics.alarms
    group by monitor, partition_date
    """
# What 0008 counted for the month, and what counts now.
COUNTED_BEFORE = """select count(distinct drift.partition_date) from metrics.drift_scored as drift
            where
                drift.monitor = monitors.monitor
                and drift.column_name is not null
                and drift.is_drifted
                and drift.partition_date
                between"""
COUNTED = """select count(*) from metrics.alarm_days
            where
                alarm_days.monitor = monitors.monitor
                and alarm_days.partition_date
                between"""


def monitor_state() -> str:
    """The view of 0008 that counts alarm days by the ledger."""
    before = str(import_module(f"{VERSIONS}.0008_lasting_drift").MONITOR_STATE)
    return before.replace(COUNTED_BEFORE, COUNTED)


def upgrade() -> None:
    """Add the tables and columns, the ledger, and the views that read it."""
    for statement in (*TABLES, DRIFT_SCORED, ALARMS, ALARM_DAYS):
        op.execute(statement)
    op.execute(monitor_state())
    _allow_events((*EVENTS, "accepted"))


def downgrade() -> None:
    """Make the views of 0008 anew, by its own statements, and drop the rest."""
    before = import_module(f"{VERSIONS}.0008_lasting_drift")
    op.execute(before.MONITOR_STATE)
    op.execute("drop view metrics.alarm_days, metrics.alarms")
    op.execute(before.DRIFT_SCORED)
    op.execute("drop table metrics.accepted_normals")
    op.execute("alter table metrics.performance drop column threshold_p, drop column is_alarm")
    op.execute("delete from metrics.incident_events where event = 'accepted'")
    _allow_events(EVENTS)


def _allow_events(events: tuple[str, ...]) -> None:
    names = ", ".join(f"'{event}'" for event in events)
    op.execute(
        "alter table metrics.incident_events"
        " drop constraint incident_events_event_check,"
        f" add constraint incident_events_event_check check (event in ({names}))"
    )
