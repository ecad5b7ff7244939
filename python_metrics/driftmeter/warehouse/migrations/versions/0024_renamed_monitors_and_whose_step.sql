-- Gives all rows of a monitor another name. Rows that the new name has already, of
-- days that dbt counted under it, stay. With the rights of the owner, since some of the
-- tables are dbt's and one is only added to; for whoever may write monitors, and for
-- nobody else.
create function metrics.rename_monitor(was text, becomes text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    holder regclass;
    has_days boolean;
begin
    if not has_table_privilege(session_user, 'metrics.monitors', 'insert') then
        raise insufficient_privilege using message = 'permission denied for metrics.monitors';
    end if;
    insert into metrics.monitors
    select (jsonb_populate_record(monitors, jsonb_build_object('monitor', becomes))).*
    from metrics.monitors as monitors where monitor = was;
    alter table metrics.performance_history disable trigger only_added_to;
    for holder, has_days in
        select
            pg_class.oid,
            exists (
                select from pg_attribute as day
                where day.attrelid = pg_class.oid and day.attname = 'partition_date'
            )
        from pg_class join pg_attribute on pg_attribute.attrelid = pg_class.oid
        where relnamespace = 'metrics'::regnamespace and relkind in ('r', 'p')
            and not relispartition and attname = 'monitor' and relname <> 'monitors'
        order by relname
    loop
        if has_days then
            execute format(
                'delete from %s where monitor = $1 and partition_date in'
                ' (select partition_date from %s where monitor = $2)', holder, holder
            ) using was, becomes;
        else
            execute format('delete from %s where monitor = $1', holder) using becomes;
        end if;
        execute format('update %s set monitor = $2 where monitor = $1', holder)
        using was, becomes;
    end loop;
    alter table metrics.performance_history enable trigger only_added_to;
    delete from metrics.monitors where monitor = was;
end
$$;

-- dbt's role notes dbt's step: what drift measured is noted by who may write it.
create or replace function metrics.note_inputs(
    of_monitor text, of_step text, of_days date[], fingerprints text[], to_follow text[]
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    steps constant text[] := array['quality', 'drift', 'performance', 'incidents'];
    no_rows constant text := left(encode(sha256('0:0'), 'hex'), 16);
begin
    if of_step <> 'quality' then
        if not has_table_privilege(session_user, 'metrics.measured_inputs', 'insert') then
            raise insufficient_privilege
            using message = format('permission denied to note the step %s', of_step);
        end if;
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

-- The month of a table that there is, or a name for it that nothing has: whoever may
-- make tables in the schema may have taken the plain one. Within the 63 bytes of a
-- name.
create or replace function metrics.month_name(parent regclass, month date) returns text
language sql stable as $$
    select names.name
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    cross join generate_series(1, 99) as number
    cross join lateral (
        select format(
            '%I.%I', nspname,
            case
                when number = 1 and octet_length(relname) <= 55 then relname
                -- A name has 63 bytes; a letter may have four.
                else left(relname, 11) || '_'
                    || left(md5(relname || coalesce(nullif(number, 1)::text, '')), 8)
            end || to_char(month, '_YYYY_MM')
        ) as name
    ) as names
    cross join lateral (
        select exists (
            select from pg_inherits
            where inhrelid = to_regclass(names.name) and inhparent = parent
        ) as is_there
    ) as attached
    where pg_class.oid = parent and (is_there or to_regclass(names.name) is null)
    order by is_there desc, number
    limit 1
$$;

-- The newest note is of the rows as they are; a step with another one has not measured
-- them. Tests make no day stale: teams that run dbt themselves store no outcomes, and a
-- day of changed rows is stale by its other steps.
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
            new.reason := 'being measured: ' || waiting || ' still to come;'
                || ' `driftmeter run` goes on with it if its run was ended';
        end if;
    end if;
    return new;
end
$$;
