alter table metrics.drift add column known_event text;

comment on column metrics.drift.known_event is
'the known event that the day is part of, and what it was compared with';
