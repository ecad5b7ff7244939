"""dbt as Driftmeter calls it: the project, its manifest, its profile and a kept process."""
