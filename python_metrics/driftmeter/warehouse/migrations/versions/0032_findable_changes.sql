-- The smallest change of a column that is found four times in five, as of the newest
-- `driftmeter power` of the monitor with its own rows and budget: within so many
-- batches, in standard deviations of a mean or as a share of rows. No size is found
-- where it is null.
create table metrics.findable_changes (
    monitor text not null,
    column_name text not null,
    change text not null,
    usual double precision,
    batches integer not null,
    size double precision,
    unit text,
    spread_in_unit double precision,
    false_alarms_per_month double precision not null,
    computed_at timestamptz not null default now(),
    primary key (monitor, column_name, change, batches)
);
select metrics.grant_roles();
