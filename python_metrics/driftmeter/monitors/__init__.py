"""What a monitor watches: the block of YAML on its dbt model, read once and typed."""
