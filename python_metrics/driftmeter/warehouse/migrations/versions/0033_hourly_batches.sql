-- The instant at which the batch of a day, a week or a month begins: midnight in the
-- monitor's time zone.
create function metrics.batch_start(of_monitor text, day date) returns timestamptz
language sql stable as $$
    select day::timestamp at time zone coalesce(
        (select timezone from metrics.monitors where monitor = of_monitor), 'UTC'
    )
$$;

-- The day of a batch in the monitor's time zone.
create function metrics.batch_day(of_monitor text, start timestamptz) returns date
language sql stable as $$
    select (
        start at time zone coalesce(
            (select timezone from metrics.monitors where monitor = of_monitor), 'UTC'
        )
    )::date
$$;

-- When a batch is on a chart, with dashboards in UTC: a day as `chart_time` has it, an
-- hour as the clock of the monitor's zone shows it.
create function metrics.batch_time(of_monitor text, day date, start timestamptz)
returns timestamptz
language sql stable as $$
    select coalesce(
        (
            select start at time zone timezone at time zone 'UTC' from metrics.monitors
            where monitor = of_monitor and every = 'hour'
        ),
        metrics.chart_time(day)
    )
$$;

-- What tables call a batch: its day, or of an hour what the clock of its zone shows.
create function metrics.batch_name(of_monitor text, day date, start timestamptz)
returns text
language sql stable as $$
    select coalesce(
        (
            select to_char(start at time zone timezone, 'YYYY-MM-DD HH24:MI')
            from metrics.monitors where monitor = of_monitor and every = 'hour'
        ),
        day::text
    )
$$;

-- Whoever writes a batch of days need not know where it begins, nor whoever writes an
-- hour of which day it is.
create function metrics.fill_batch() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if new.partition_start is null then
        new.partition_start := metrics.batch_start(new.monitor, new.partition_date);
    elsif new.partition_date is null then
        new.partition_date := metrics.batch_day(new.monitor, new.partition_start);
    end if;
    return new;
end
$$;
revoke all on function metrics.fill_batch from public;

alter table metrics.performance_history disable trigger only_added_to;
do $$
declare
    holder regclass;
begin
    for holder in
        select pg_class.oid
        from pg_class join pg_attribute on pg_attribute.attrelid = pg_class.oid
        where relnamespace = 'metrics'::regnamespace and relkind in ('r', 'p')
            and not relispartition and attname = 'partition_date'
            and exists (
                select from pg_attribute as named
                where named.attrelid = pg_class.oid and named.attname = 'monitor'
            )
        order by relname
    loop
        -- A table that dbt made before anybody prepared the database has it.
        execute format(
            'alter table %s add column if not exists partition_start timestamptz', holder
        );
        execute format(
            'update %s as batches set partition_start ='
            ' partition_date::timestamp at time zone zones.timezone'
            ' from metrics.monitors as zones where zones.monitor = batches.monitor'
            ' and partition_start is null', holder
        );
        execute format(
            'update %s set partition_start = partition_date::timestamp at time zone ''UTC'''
            ' where partition_start is null', holder
        );
        execute format('alter table %s alter column partition_start set not null', holder);
        execute format(
            'create trigger fill_batch before insert on %s'
            ' for each row execute function metrics.fill_batch()', holder
        );
    end loop;
end
$$;
alter table metrics.performance_history enable trigger only_added_to;

alter table metrics.incidents
add column opened_start timestamptz,
add column last_seen_start timestamptz,
add column closed_start timestamptz;
update metrics.incidents set
    opened_start = metrics.batch_start(monitor, opened_on),
    last_seen_start = metrics.batch_start(monitor, last_seen_on),
    closed_start = metrics.batch_start(monitor, closed_on);
alter table metrics.incident_events add column on_start timestamptz;
update metrics.incident_events set on_start = metrics.batch_start(monitor, on_date);

-- The day of an hour, or the instant at which a day begins: whichever was not written.
create function metrics.fill_incident() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        new.opened_start := coalesce(
            new.opened_start, metrics.batch_start(new.monitor, new.opened_on)
        );
        new.last_seen_start := coalesce(
            new.last_seen_start, metrics.batch_start(new.monitor, new.last_seen_on)
        );
        new.closed_start := coalesce(
            new.closed_start, metrics.batch_start(new.monitor, new.closed_on)
        );
        new.opened_on := coalesce(
            new.opened_on, metrics.batch_day(new.monitor, new.opened_start)
        );
        new.last_seen_on := coalesce(
            new.last_seen_on, metrics.batch_day(new.monitor, new.last_seen_start)
        );
        new.closed_on := coalesce(
            new.closed_on, metrics.batch_day(new.monitor, new.closed_start)
        );
        return new;
    end if;
    if new.opened_start is distinct from old.opened_start then
        new.opened_on := metrics.batch_day(new.monitor, new.opened_start);
    elsif new.opened_on is distinct from old.opened_on then
        new.opened_start := metrics.batch_start(new.monitor, new.opened_on);
    end if;
    if new.last_seen_start is distinct from old.last_seen_start then
        new.last_seen_on := metrics.batch_day(new.monitor, new.last_seen_start);
    elsif new.last_seen_on is distinct from old.last_seen_on then
        new.last_seen_start := metrics.batch_start(new.monitor, new.last_seen_on);
    end if;
    if new.closed_start is distinct from old.closed_start then
        new.closed_on := metrics.batch_day(new.monitor, new.closed_start);
    elsif new.closed_on is distinct from old.closed_on then
        new.closed_start := metrics.batch_start(new.monitor, new.closed_on);
    end if;
    return new;
end
$$;
revoke all on function metrics.fill_incident from public;
create trigger fill_incident before insert or update on metrics.incidents
for each row execute function metrics.fill_incident();

create function metrics.fill_event() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if new.on_start is null then
        new.on_start := metrics.batch_start(new.monitor, new.on_date);
    elsif new.on_date is null then
        new.on_date := metrics.batch_day(new.monitor, new.on_start);
    end if;
    return new;
end
$$;
revoke all on function metrics.fill_event from public;
create trigger fill_event before insert on metrics.incident_events
for each row execute function metrics.fill_event();

-- A monitor that is new here, or has another time zone or cadence. Its days, weeks and
-- months begin at other instants then; its hours stay the instants that they are, on
-- the days of the new zone. Hours of a monitor that is by hours no longer are rows of
-- no batch that it has: they go.
create function metrics.begin_batches_again() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    holder regclass;
    is_split boolean;
    was_hourly boolean = tg_op = 'UPDATE' and old.every = 'hour' and new.every <> 'hour';
begin
    if tg_op = 'UPDATE' and new.timezone = old.timezone and new.every = old.every then
        return null;
    end if;
    alter table metrics.performance_history disable trigger only_added_to;
    for holder, is_split in
        select pg_class.oid, relkind = 'p'
        from pg_class join pg_attribute on pg_attribute.attrelid = pg_class.oid
        where relnamespace = 'metrics'::regnamespace and relkind in ('r', 'p')
            and not relispartition and attname = 'partition_start'
        order by relname
    loop
        if was_hourly then
            execute format(
                'delete from %s where monitor = $1 and partition_start'
                ' <> partition_date::timestamp at time zone $2', holder
            ) using new.monitor, old.timezone;
        end if;
        if new.every <> 'hour' then
            execute format(
                'update %s set partition_start = partition_date::timestamp at time zone $2'
                ' where monitor = $1 and partition_start'
                ' <> partition_date::timestamp at time zone $2', holder
            ) using new.monitor, new.timezone;
        elsif not is_split then
            -- What is split by month dbt and Python write with both.
            execute format(
                'update %s set partition_date = (partition_start at time zone $2)::date'
                ' where monitor = $1 and partition_date'
                ' <> (partition_start at time zone $2)::date', holder
            ) using new.monitor, new.timezone;
        end if;
    end loop;
    alter table metrics.performance_history enable trigger only_added_to;
    if new.every <> 'hour' then
        update metrics.incidents set
            opened_start = metrics.batch_start(monitor, opened_on),
            last_seen_start = metrics.batch_start(monitor, last_seen_on),
            closed_start = metrics.batch_start(monitor, closed_on)
        where monitor = new.monitor;
        update metrics.incident_events set on_start = metrics.batch_start(monitor, on_date)
        where monitor = new.monitor;
    end if;
    return null;
end
$$;
revoke all on function metrics.begin_batches_again from public;
create trigger begin_batches_again
after insert or update of timezone, every on metrics.monitors
for each row execute function metrics.begin_batches_again();

-- What identifies a batch, and what of it a row is.
alter table metrics.partitions
drop constraint partitions_pkey, add primary key (monitor, partition_start);
create index partitions_by_day on metrics.partitions (monitor, partition_date);
alter table metrics.measured_inputs
drop constraint measured_inputs_pkey, add primary key (monitor, partition_start, step);
create index measured_inputs_by_day
on metrics.measured_inputs (monitor, partition_date);
alter table metrics.column_changes
drop constraint column_changes_pkey,
add primary key (monitor, partition_start, column_name);
alter table metrics.reference_errors
drop constraint reference_errors_pkey,
add primary key (monitor, partition_start, kind, metric);
alter table metrics.version_comparisons
drop constraint version_comparisons_pkey,
add primary key (monitor, champion, challenger, partition_start);
alter table metrics.breaches
drop constraint breaches_pkey, add primary key (monitor, partition_start, rank);
create index breaches_by_day on metrics.breaches (monitor, partition_date);
do $$
declare
    keyed regclass;
    name text;
    columns text;
begin
    for keyed, name, columns in
        select conrelid, conname, pg_get_constraintdef(oid) from pg_constraint
        where contype = 'u' and conrelid in (
            'metrics.drift'::regclass, 'metrics.performance'::regclass,
            'metrics.test_results'::regclass, 'metrics.custom_metric_verdicts'::regclass
        )
    loop
        execute format('alter table %s drop constraint %I', keyed, name);
        execute format(
            'alter table %s add constraint %I %s', keyed, name,
            replace(columns, 'partition_date,', 'partition_date, partition_start,')
        );
    end loop;
end
$$;

-- The same functions for batches that are known by their start, and the others by what
-- identifies a batch now. Whatever an earlier migration says of them stays.
do $$
declare
    name text;
    definition text;
begin
    for name, definition in
        select proname, pg_get_functiondef(oid) from pg_proc
        where pronamespace = 'metrics'::regnamespace and proname in (
            'note_inputs', 'publish_days', 'day_contents', 'custom_metric_values',
            'publish_state', 'performance_as_of'
        )
    loop
        definition := case name
            when 'performance_as_of' then
                replace(definition, 'partition_date,', 'partition_date, partition_start,')
            when 'publish_state' then replace(
                definition, 'partition_date = new.partition_date',
                'partition_start = new.partition_start'
            )
            else replace(
                definition, 'on conflict (monitor, partition_date',
                'on conflict (monitor, partition_start'
            )
        end;
        execute definition;
        continue when name in ('publish_state', 'performance_as_of');
        execute replace(
            regexp_replace(
                replace(definition, 'partition_date', 'partition_start'),
                '\mdate\M', 'timestamptz', 'g'
            ),
            '.' || name || '(', '.hourly_' || name || '('
        );
    end loop;
end
$$;
revoke all on function metrics.hourly_note_inputs from public;
revoke all on function metrics.hourly_publish_days from public;

do $$
declare
    granting constant text := pg_get_functiondef(
        (select oid from pg_proc where proname = 'grant_roles'
            and pronamespace = 'metrics'::regnamespace)
    );
begin
    if granting not like '%function metrics.note_inputs, metrics.publish_days%' then
        raise exception 'grant_roles grants other functions than this migration knows';
    end if;
    execute replace(
        granting,
        'function metrics.note_inputs, metrics.publish_days',
        'function metrics.note_inputs, metrics.publish_days,'
        ' metrics.hourly_note_inputs, metrics.hourly_publish_days'
    );
end
$$;
select metrics.grant_roles();
