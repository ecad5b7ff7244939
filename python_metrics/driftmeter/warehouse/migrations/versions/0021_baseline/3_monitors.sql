-- What is monitored, and against what.

-- A monitor as its YAML declares it, by the project that does. One that no project
-- declares any longer is retired: its history stays, its state and alerts end.
create table metrics.monitors (
    monitor text primary key,
    owner text not null,
    task text not null,
    timezone text not null,
    reference_from date not null,
    reference_to date not null,
    false_alarms_per_month double precision not null,
    config_hash text not null,
    computed_at timestamptz not null default now(),
    project text,
    retired_at timestamptz
);

-- Its columns as the YAML declares them.
create table metrics.monitored_columns (
    monitor text not null references metrics.monitors on delete cascade,
    column_name text not null,
    role text not null check (role in ('feature', 'prediction', 'target')),
    kind text not null check (kind in ('numerical', 'categorical')),
    unit text,
    range_low double precision,
    range_high double precision,
    primary key (monitor, column_name)
);

-- Versions of a model: what each was trained on, how well it did on rows that were
-- held back, and whether it predicts for use or as a challenger.
create table metrics.model_versions (
    monitor text not null,
    model_version text not null,
    algorithm text not null,
    trained_from date not null,
    trained_to date not null,
    train_rows bigint not null,
    train_metric text not null,
    train_value double precision not null,
    holdout_value double precision not null,
    benchmark text not null,
    benchmark_value double precision not null,
    artifact text not null,
    artifact_sha256 text not null,
    data_source text not null,
    is_active boolean not null,
    computed_at timestamptz not null default now(),
    is_challenger boolean not null default false,
    primary key (monitor, model_version)
);

-- Days that others are held against: a hash of their rows tells when they changed.
create table metrics.baselines (
    monitor text not null,
    baseline text not null,
    kind text not null check (kind in ('fixed', 'trailing', 'weekday')),
    from_date date not null,
    to_date date not null,
    row_count bigint not null,
    content_hash text not null,
    computed_at timestamptz not null default now(),
    primary key (monitor, baseline)
);

-- Normals that people accepted: from in_force_on on a column is held against its
-- days from from_date on, not against those of the reference.
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
);
