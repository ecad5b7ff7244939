-- Outcomes of tests that failed. Evidently's default verdict on drift is no
-- failure: it is kept beside the calibrated one for comparison, and fails on calm
-- days. One row an outcome.
select *
from metrics.test_results
where
    status not in ('pass', 'skipped')
    and not (source = 'evidently' and test = 'drift')
