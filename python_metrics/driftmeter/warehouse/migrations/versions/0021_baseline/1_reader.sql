-- The role that dashboards and alert rules log in as: it may read this schema, and
-- nothing else. A role belongs to the whole server, and another warehouse may have made
-- it already. Whoever migrates may lack the right to make roles, and an administrator
-- does it then.
do $$
begin
    if not exists (select from pg_roles where rolname = 'driftmeter_reader') then
        create role driftmeter_reader login;
        alter role driftmeter_reader set default_transaction_read_only = on;
        alter role driftmeter_reader set statement_timeout = '30s';
        alter role driftmeter_reader set timezone = 'UTC';
    end if;
exception
    -- Two warehouses of one server are migrated at once.
    when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema metrics to driftmeter_reader;
-- What is here already, such as tables of a dbt that ran alone, and what comes.
grant select on all tables in schema metrics to driftmeter_reader;
alter default privileges in schema metrics grant select on tables to driftmeter_reader;
