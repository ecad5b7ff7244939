"""What a run left undone: dbt's tests of days that it began, and pages of incidents.

A step `tests` in `measured_inputs` is without a fingerprint from before dbt begins until the
transaction that stores the outcomes of dbt's tests. It makes no measured day stale: teams that run
dbt themselves store no outcomes, and a day of changed rows is stale by its other steps.
"""

from alembic import op

from driftmeter import settings

revision = "0021"
down_revision = "0020"

SCHEMA = settings.metrics_schema()
STATEMENTS = (
    """
alter table metrics.incidents
add column report_state text not null default 'due'
check (report_state in ('due', 'drawn', 'failed', 'too few rows')),
add column report_reason text
""",
    "update metrics.incidents set report_state = 'drawn' where report_url is not null",
    """
alter table metrics.measured_inputs
add column config_hash text,
drop constraint measured_inputs_step_check,
add constraint measured_inputs_step_check
check (step in ('quality', 'tests', 'drift', 'performance', 'incidents'))
""",
    # As before, but that `tests` makes no day stale.
    """
create or replace function metrics.publish_state() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    waiting text;
begin
    if tg_op = 'INSERT' then
        -- Written by somebody who knows of one state only.
        if new.drift_state is null then
            new.drift_state := new.state;
            new.drift_reason := new.reason;
        end if;
    elsif
        (new.drift_state, new.drift_reason) is not distinct from (old.drift_state, old.drift_reason)
        and (new.state, new.reason) is distinct from (old.state, old.reason)
    then
        new.drift_state := new.state;
        new.drift_reason := new.reason;
    end if;
    new.state := new.drift_state;
    new.reason := new.drift_reason;
    if new.drift_state in ('fresh', 'empty', 'missing') then
        with notes as (
            select step, fingerprint, measured_at from metrics.measured_inputs
            where monitor = new.monitor and partition_date = new.partition_date
                and step not in ('drift', 'tests')
            union all
            select 'drift', new.fingerprint, new.computed_at
        ),
        newest as (
            select fingerprint from notes
            where fingerprint is not null order by measured_at desc limit 1
        )
        select
            string_agg(
                notes.step, ', '
                order by array_position(
                    array['quality', 'drift', 'performance', 'incidents'], notes.step
                )
            )
        into waiting
        from notes left join newest on true
        where notes.fingerprint is distinct from newest.fingerprint;
        if waiting is not null then
            new.state := 'stale';
            new.reason := 'a run has still to measure of these rows: ' || waiting;
        end if;
    end if;
    return new;
end
$$
""",
)


def upgrade() -> None:
    """Add the columns and the step."""
    for statement in STATEMENTS:
        # The driver takes a percent sign for a parameter.
        in_schema = statement.replace("metrics.", f"{SCHEMA}.").replace("%", "%%")
        op.get_bind().exec_driver_sql(in_schema)
