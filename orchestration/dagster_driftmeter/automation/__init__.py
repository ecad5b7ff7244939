"""What Dagster does by itself: schedules, sensors, checks and freshness."""
