-- Which days there are, which rows of them each step has measured, and which columns
-- their table had.

-- A day of a monitor. `state` is what it is to whoever reads it; `drift_state` is what
-- drift made of it, or what changed since, whatever later steps have still to do.
-- Labels and inputs are counted and hashed apart: that tells late labels from late
-- rows. `breaches_of` is a hash of what the day's breaches were written from, so that
-- no day is diagnosed twice for nothing. `policy_hash` and `judging_version` say under
-- which alarm policy and by which version of the judging it was judged, null where
-- nobody noted it. Once its rows were dropped for their age (`rows_dropped_at`), what
-- was measured of it is final.
create table metrics.partitions (
    monitor text not null,
    partition_date date not null,
    state text not null check (
        state in ('fresh', 'stale', 'empty', 'missing', 'failed')
    ),
    reason text,
    row_count bigint not null,
    fingerprint text,
    config_hash text not null,
    computed_at timestamptz not null default now(),
    duration_seconds double precision not null,
    breaches_of text,
    labelled_count bigint,
    inputs_fingerprint text,
    policy_hash text,
    rows_dropped_at timestamptz,
    drift_state text not null,
    drift_reason text,
    judging_version integer,
    primary key (monitor, partition_date)
);

-- Of which rows each step measured a day: a day is fresh once all of its steps agree.
-- A fingerprint is null where the step is still to come in a run that has begun. The
-- step `tests`, of dbt's tests, is without one from before dbt begins until the
-- transaction that stores their outcomes.
create table metrics.measured_inputs (
    monitor text not null,
    partition_date date not null,
    step text not null check (
        step in ('quality', 'tests', 'drift', 'performance', 'incidents')
    ),
    fingerprint text,
    measured_at timestamptz not null default now(),
    config_hash text,
    primary key (monitor, partition_date, step)
);

-- Columns that each inference table had when it was last measured.
create table metrics.inference_columns (
    monitor text not null,
    column_name text not null,
    data_type text not null,
    primary key (monitor, column_name)
);

-- How those columns changed, by the day on which it was seen.
create table metrics.column_changes (
    monitor text not null,
    partition_date date not null,
    column_name text not null,
    change text not null check (change in ('added', 'removed', 'retyped')),
    old_type text,
    new_type text,
    noted_at timestamptz not null default now(),
    primary key (monitor, partition_date, column_name)
);

-- Rows, labels and fingerprints of each day of a table. Values are hashed as text of
-- one form whatever the settings of a connection, so that dbt's and Python's agree.
-- One aggregate without functions of our own, which a Citus sends to the machines
-- whole.
create function metrics.day_contents(
    of_schema text,
    of_table text,
    every text[],
    inputs text[],
    target text,
    first date,
    last date
)
returns table (
    day date,
    rows bigint,
    labelled bigint,
    fingerprint text,
    inputs_fingerprint text
)
language plpgsql stable
set timezone = 'UTC' set datestyle = 'ISO, MDY' set intervalstyle = 'postgres'
set extra_float_digits = 1 set bytea_output = 'hex'
as $$
declare
    hash constant text :=
        'left(encode(sha256(convert_to(count(*) || %L || coalesce('
        'sum(hashtextextended(row(%s)::text, 0)), 0), %L)), %L), 16)';
    fingerprints text[] := array['null', 'null'];
    columns text;
begin
    for number in 1 .. 2 loop
        select string_agg(format('%I', name), ', ' order by place) into columns
        from unnest(case number when 1 then every else inputs end)
        with ordinality as named (name, place);
        if columns is not null then
            fingerprints[number] := format(hash, ':', columns, 'UTF8', 'hex');
        end if;
    end loop;
    return query execute format(
        'select partition_date, count(*), count(%s), %s, %s from %I.%I where %s group by 1',
        case when target is null then 'null' else format('%I', target) end,
        fingerprints[1],
        fingerprints[2],
        of_schema,
        of_table,
        case
            when first is null then 'partition_date is not null'
            else format('partition_date between %L and %L', first, last)
        end
    );
end
$$;

-- The newest note is of the rows as they are; a step with another one has not measured
-- them. Tests make no day stale: teams that run dbt themselves store no outcomes, and a
-- day of changed rows is stale by its other steps.
create function metrics.publish_state() returns trigger
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
$$;
revoke all on function metrics.publish_state from public;

create trigger publish_state before insert or update on metrics.partitions
for each row execute function metrics.publish_state();

-- Notes what a step measured, for roles that measure one step and may not write the
-- record of days.
create function metrics.note_inputs(
    of_monitor text, of_step text, of_days date[], fingerprints text[], to_follow text[]
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    steps constant text[] := array['quality', 'drift', 'performance', 'incidents'];
    no_rows constant text := left(encode(sha256('0:0'), 'hex'), 16);
begin
    if of_step <> 'quality' then
        -- Whoever notes or publishes takes the days in this order: else two would wait for each
        -- other. dbt, whose step lasts longest, takes none before its end.
        perform from metrics.partitions
        where monitor = of_monitor and partition_date = any(of_days)
        order by partition_date for update;
        delete from metrics.measured_inputs
        where monitor = of_monitor and partition_date = any(of_days)
            and array_position(steps, step) > array_position(steps, of_step);
        insert into metrics.measured_inputs (monitor, partition_date, step)
        select of_monitor, day, step from unnest(of_days) as day, unnest(to_follow) as step;
    end if;
    insert into metrics.measured_inputs (monitor, partition_date, step, fingerprint)
    select of_monitor, day, of_step, coalesce(fingerprint, no_rows)
    from unnest(of_days, fingerprints) as noted (day, fingerprint)
    on conflict (monitor, partition_date, step)
    do update set fingerprint = excluded.fingerprint, measured_at = excluded.measured_at;
end
$$;
revoke all on function metrics.note_inputs from public;

-- Has the states of days follow from what was noted of them.
create function metrics.publish_days(of_monitor text, first date, last date)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from metrics.partitions
    where monitor = of_monitor and (first is null or partition_date between first and last)
    order by partition_date for update;
    update metrics.partitions set drift_state = drift_state
    where monitor = of_monitor and (first is null or partition_date between first and last);
end
$$;
revoke all on function metrics.publish_days from public;
