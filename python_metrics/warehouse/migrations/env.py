"""Alembic's entry point: runs migrations on the connection that `migrate.upgrade` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
# Two processes that start at once must not both create the tables.
connection.exec_driver_sql("select pg_advisory_xact_lock(hashtext('driftmeter migrations'))")
connection.exec_driver_sql("create schema if not exists metrics")
context.configure(connection=connection, version_table_schema="metrics")
with context.begin_transaction():
    context.run_migrations()
