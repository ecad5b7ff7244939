-- What was wrong, what was done about it, and who was told.

-- Everything that was wrong on a day, diagnosed: incidents are folded from these, day
-- by day.
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
);

-- One thing that went wrong, open until it no longer does or somebody closes it. It has
-- one cause and one first day, however often its days are computed. `report_state` says
-- whether its page is drawn.
create table metrics.incidents (
    incident_id bigint generated always as identity primary key,
    monitor text not null,
    model_version text,
    segment text,
    segment_value text,
    column_name text,
    kind text not null,
    severity text not null check (severity in ('warn', 'error')),
    opened_on date not null,
    last_seen_on date not null,
    closed_on date,
    diagnosis text not null,
    evidence jsonb not null default '{}',
    report_url text,
    acknowledged_by text,
    excluded_from_baseline boolean not null default false,
    config_hash text,
    computed_at timestamptz not null default now(),
    family text,
    cause text,
    columns text[] not null default '{}',
    days integer not null default 1,
    reopened integer not null default 0,
    closed_by text,
    acknowledged_at timestamptz,
    policy_hash text,
    report_state text not null default 'due' check (
        report_state in ('due', 'drawn', 'failed', 'too few rows')
    ),
    report_reason text
);
create unique index incidents_cause on metrics.incidents (monitor, cause);
create index incidents_open on metrics.incidents (monitor, opened_on)
where closed_on is null;

-- What became of an incident, and who did it.
create table metrics.incident_events (
    event_id bigint generated always as identity primary key,
    incident_id bigint not null,
    monitor text not null,
    event text not null check (
        event in (
            'opened', 'reopened', 'closed', 'acknowledged', 'excluded',
            'closed_by_hand', 'withdrawn', 'accepted'
        )
    ),
    on_date date not null,
    kind text not null,
    diagnosis text not null,
    report_url text,
    author text not null,
    note text,
    at timestamptz not null default now()
);
create index incident_events_of on metrics.incident_events (incident_id, event_id);

-- Who was told what: one row an event, whether it went out or failed for good.
create table metrics.notifications (
    event_id bigint primary key,
    state text not null check (state in ('sent', 'failed', 'retrying')),
    attempts integer not null default 0,
    reason text,
    sent_at timestamptz,
    tried_at timestamptz not null default now()
);
