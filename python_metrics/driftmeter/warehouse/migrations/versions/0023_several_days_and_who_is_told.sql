alter table metrics.performance
-- How many days up to this one are judged together.
add column window_days integer,
-- Two-sided, weighed by the share that such a window has of the level.
add column window_p_value double precision,
-- Whether the error is beyond the reference, be it new or not.
add column is_beyond boolean;
-- What was decided before was decided of each day alone.
update metrics.performance
set
    window_days = 1,
    window_p_value = p_value,
    is_beyond = p_value / 2 <= threshold_p and case metric
        when 'excess_error' then value > 0.1 else value > 1.1 * reference_value
    end
where threshold_p is not null;

alter table metrics.monitors
-- Incidents that are told at once: performance, arrival, values.
add column page text[],
-- How often one message lists the others: day, week or never.
add column digest text;
