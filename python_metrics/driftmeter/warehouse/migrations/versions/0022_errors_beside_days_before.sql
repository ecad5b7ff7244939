alter table metrics.performance
add column expected double precision,
add column deviation double precision;

-- How far each reference day's error was from what the reference expects of it. The
-- first judged days are held against these too.
create table metrics.reference_errors (
    monitor text not null,
    partition_date date not null,
    kind text not null check (kind in ('realised', 'estimated')),
    metric text not null,
    difference double precision not null,
    deviation double precision not null,
    primary key (monitor, partition_date, kind, metric)
);
select metrics.grant_roles();
