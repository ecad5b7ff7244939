alter table metrics.monitors
-- How often a batch is scored: day, week or month. A batch's partition_date is its
-- first day.
add column every text not null default 'day';
