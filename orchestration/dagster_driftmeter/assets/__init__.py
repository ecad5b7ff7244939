"""Assets of every monitor: dbt models, drift, performance and incidents."""
