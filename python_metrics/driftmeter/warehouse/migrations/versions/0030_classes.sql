-- Of a monitor of several classes the labelled rows of each day by true and predicted
-- class, beside those of the whole reference period; a pair that only the reference has
-- is a row of 0.
create table metrics.confusion (
    monitor text not null,
    model_version text,
    partition_date date not null,
    actual text not null,
    predicted text not null,
    row_count bigint not null,
    reference_count bigint not null,
    computed_at timestamptz not null default now(),
    unique nulls not distinct (
        monitor, partition_date, model_version, actual, predicted
    )
);
