-- Group roles for those who load, transform and measure, beside the one that dashboards
-- read with. Nobody has to use them: one user for everything goes on working, and a
-- user who may not create roles leaves them out.

-- Makes the roles and grants each what is its own; called again after every change that
-- adds a table.
create function metrics.grant_roles() returns void language plpgsql as $body$
declare
    name text;
    target regclass;
begin
    foreach name in array array['driftmeter_loader', 'driftmeter_transformer', 'driftmeter_writer']
    loop
        if to_regrole(name) is null then
            begin
                execute format('create role %I nologin', name);
            exception
                -- A chain with one user for everything needs no roles.
                when insufficient_privilege then return;
                -- Another database of this server made it just now.
                when duplicate_object or unique_violation then null;
            end;
        end if;
    end loop;

    grant usage on schema metrics
        to driftmeter_loader, driftmeter_transformer, driftmeter_writer;
    grant execute on function
        metrics.make_months_for_writer, metrics.analyze_months_for_writer
        to driftmeter_loader, driftmeter_transformer, driftmeter_writer;
    grant execute on function metrics.note_inputs, metrics.publish_days
        to driftmeter_transformer, driftmeter_writer;

    grant select on all tables in schema metrics to driftmeter_writer;
    alter default privileges in schema metrics grant select on tables to driftmeter_writer;
    for target in
        select oid from pg_class
        where relnamespace = 'metrics'::regnamespace and relkind in ('r', 'p')
            and not relispartition
            and relname not in ('alembic_version', 'column_summary', 'reference_bins')
    loop
        execute format('grant insert, update, delete on %s to driftmeter_writer', target);
    end loop;
    grant usage on all sequences in schema metrics to driftmeter_writer;

    -- dbt makes reference_bins itself.
    grant create on schema metrics to driftmeter_transformer;
    for target in
        select oid from pg_class
        where relnamespace = 'metrics'::regnamespace
            and relname in ('column_summary', 'reference_bins')
            and pg_has_role(current_user, relowner, 'usage')
    loop
        execute format('grant select, insert, delete on %s to driftmeter_transformer', target);
    end loop;

    -- Dagster makes its tables when it first runs.
    grant usage, create on schema dagster to driftmeter_writer;
    grant all on all tables in schema dagster to driftmeter_writer;
    grant all on all sequences in schema dagster to driftmeter_writer;

    if to_regclass('raw.rejected_trips') is not null then
        grant usage on schema raw
            to driftmeter_loader, driftmeter_transformer, driftmeter_writer;
        grant select on all tables in schema raw
            to driftmeter_loader, driftmeter_transformer, driftmeter_writer;
        grant usage on all sequences in schema raw to driftmeter_loader;
        -- A day whose rows came late is marked in the transaction that loads them.
        grant
            select (monitor, partition_date, state, drift_state, rows_dropped_at),
            update (drift_state, drift_reason)
            on metrics.partitions to driftmeter_loader;
        for target in
            select oid from pg_class
            where relnamespace = 'raw'::regnamespace and relkind in ('r', 'p')
                and not relispartition and relname <> 'alembic_version'
        loop
            execute format('grant insert, update, delete on %s to driftmeter_loader', target);
        end loop;
    end if;

    begin
        -- dbt makes schemas, and tables beside the one that is to take another's place.
        execute format(
            'grant create, temporary on database %I to driftmeter_transformer', current_database()
        );
        if not pg_has_role(current_user, 'driftmeter_transformer', 'usage') then
            grant driftmeter_transformer to current_user;
        end if;
        alter default privileges for role driftmeter_transformer
            grant usage on schemas to driftmeter_writer;
        alter default privileges for role driftmeter_transformer
            grant select on tables to driftmeter_writer;
        alter default privileges for role driftmeter_transformer in schema metrics
            grant select on tables to driftmeter_reader;
    exception
        when insufficient_privilege then
            raise warning 'what dbt makes is for its own role only: see docs/access.md';
    end;
end
$body$;
revoke all on function metrics.grant_roles from public;

-- Whether there is something to grant, said by the owner of the schema, who alone may.
create function metrics.roles_lack_grants() returns boolean language sql stable as $$
    select pg_has_role(current_user, nspowner, 'usage') and (
        to_regrole('driftmeter_writer') is null
        or exists (
            select from pg_class
            where relnamespace = pg_namespace.oid and relkind in ('r', 'p', 'v')
                and not has_table_privilege('driftmeter_writer', pg_class.oid, 'select')
        )
        -- Grants on a database do not come along with a copy or a backup of it.
        or (
            select pg_has_role(current_user, datdba, 'usage')
                and not has_database_privilege('driftmeter_transformer', oid, 'create')
            from pg_database where datname = current_database()
        )
        or (
            to_regclass('raw.rejected_trips') is not null
            and not has_schema_privilege('driftmeter_loader', 'raw', 'usage')
        )
    )
    from pg_namespace where nspname = 'metrics'
$$;

select metrics.grant_roles();
