alter table metrics.drift add column known_event text;
alter table metrics.drift add column reference_days integer;

comment on column metrics.drift.known_event is
'the known event that the day is part of, and what it was compared with';
comment on column metrics.drift.reference_days is
'days with rows that the column was compared with; null of an accepted normal';
