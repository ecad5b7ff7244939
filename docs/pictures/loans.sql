-- A table of predictions as a team may have it: 90 days of loans, scored every morning.
-- From 20 March on incomes come in cents, and later a new channel brings some loans.
create table public.loan_scores as
select
    'L' || number as loan_id,
    timestamptz '2026-01-01 08:00+00' + number % 90 * interval '1 day' as scored_at,
    (
        (20000 + 60000 * sin(number) ^ 2)
        * case when number % 90 >= 78 then 100 else 1 end
    )::numeric(12, 2) as income_eur,
    300 + number * 7919 % 550 as credit_score,
    case
        when number % 90 >= 84 and number * 31 % 10 = 0 then 'app'
        else (array['web', 'branch', 'partner'])[1 + number * 31 % 3]
    end as channel,
    1 + number * 17 % 9 as branch_code,
    sin(number) ^ 2 as probability,
    sin(number) ^ 2 > 0.5 + 0.4 * cos(number * 13) as has_defaulted
from generate_series(1, 27000) as number;
