-- Verdicts that decide, with their score over its threshold. A ratio of 1 and
-- above is an alarm, or a change that lasts, and nothing else is: what is
-- significant but small or not new stays below. One row a verdict.
select
    drift.*,
    metrics.segment_label(drift.segment, drift.segment_value) as segment_label,
    case
        when drift.status <> 'ok' then null
        when drift.is_drifted or drift.is_slow
            then greatest(drift.score / nullif(drift.threshold, 0), 1)
        else least(drift.score / nullif(drift.threshold, 0), 0.99)
    end as score_ratio,
    coalesce(
        drift.is_drifted
        or (
            drift.is_slow
            -- Days before it was accepted were judged against the reference, and are no
            -- longer shown as away from it.
            and (
                drift.baseline = 'accepted'
                or not exists (
                    select 1 from metrics.accepted_normals as accepted
                    where
                        accepted.monitor = drift.monitor
                        and accepted.column_name = drift.column_name
                        and accepted.from_date <= drift.partition_date
                )
            )
        ),
        false
    ) as is_away
from metrics.drift
where
    drift.method in ('day_level', 'domain_classifier')
    and drift.baseline in ('reference', 'accepted')
