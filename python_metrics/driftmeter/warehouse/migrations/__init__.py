"""Migrations of the metrics schema, run by Alembic."""
