{#
    A view that depends on no table: `drop table`, `drop column`, `alter type` and a table that is
    written anew all go on as if there were no monitor. What the model selects is the text of a
    function, `<model>_rows`, which Postgres reads each time and records no dependency for. It puts
    the text in the place of the call, so that indexes, partitions and parallel workers are used
    as through a plain view. The text runs with the rights of whoever reads the view.

    A monitored column that the table loses is null from then on, and the other columns are
    measured as always. A column keeps the type that it had at the last run of dbt.

    Citus plans no function over distributed tables: with `vars.distributed` it is a plain view.
#}
{% materialization view_by_name, adapter='postgres' -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is not none and existing.type in ('table', 'materialized_view') -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {% call statement('main') -%}
        {%- if config.get('contract').enforced %}
            {{- get_assert_columns_equivalent(sql) }}
        {%- endif %}
        {{- driftmeter.create_view_by_name(target_relation, sql) }}
    {%- endcall %}

    {%- do apply_grants(target_relation, config.get('grants'), should_revoke=True) -%}
    {%- do persist_docs(target_relation, model) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{% macro create_view_by_name(relation, sql) -%}
    {%- set names, values = [], [] -%}
    {%- for name, type in driftmeter.columns_that_may_go().items() -%}
        {%- do names.append(name) -%}
        {%- do values.append('null::' ~ type ~ ' as ' ~ driftmeter.quoted(name)) -%}
    {%- endfor -%}
    {#- No name of a column can end the block: it would have to hold the hash of itself. -#}
    {%- set block = '$by_name_' ~ local_md5(sql ~ values) ~ '$' -%}
do {{ block }}
declare
    target constant text := {{ driftmeter.literal(relation.include(database=false)) }};
    rows_of constant text := {{ driftmeter.literal(driftmeter.function_of_rows(relation)) }};
    model constant text := e'\n' || {{ driftmeter.literal(driftmeter.without_database(sql)) }} || e'\n';
    old_path constant text := current_setting('search_path');
    may_go constant text[] := array[{{ driftmeter.literals(names) }}]::text[];
    nulls constant text[] := array[{{ driftmeter.literals(values) }}]::text[];
    gone text[];
    name text;
    type text;
    types text;
    casts text;
    statements text[];
begin
    -- Which of some columns the tables have no more, as a function: Python asks it too.
    execute format(
        'create or replace function %s(of_columns text[]) returns text[]'
        ' language plpgsql stable as %L',
        rows_of,
        format(
            $asked$
            declare
                model constant text := %L;
                may_go constant text[] := %L;
                nulls constant text[] := %L;
                gone text[] := '{}';
                name text;
            begin
                execute format(
                    'select %%s from (%%s) as found where false',
                    (select string_agg(format('%%I', asked), ', ') from unnest(of_columns) as asked),
                    model
                );
                return gone;
            exception
                when undefined_column then
                    -- First with nulls in the place of all: what then lacks is no such column.
                    foreach name in array array[null] || of_columns loop
                        begin
                            execute format(
                                'select from (select %%s) as lost cross join lateral ('
                                'select %%s from (%%s) as found) as kept where false',
                                (
                                    select string_agg(nulls[place], ', ')
                                    from unnest(may_go) with ordinality as listed (other, place)
                                    where other is distinct from name
                                ),
                                quote_ident(name), model
                            );
                        exception when undefined_column then
                            if name is null then
                                return gone;
                            end if;
                            gone := gone || name;
                        end;
                    end loop;
                    return gone;
                -- Without its tables nothing is known of their columns.
                when undefined_table or invalid_schema_name or insufficient_privilege then
                    return gone;
            end
            $asked$,
            model, may_go, nulls
        )
    );
    -- What the view never had is not gone: it is a mistake, and an error.
    execute format('select %s($1)', rows_of) into gone using array(
        select attname::text from pg_attribute
        where attrelid = to_regclass(target) and attname = any (may_go)
    );
    execute format(
        'create or replace temporary view driftmeter_columns as'
        ' select found.* from (select %s) as lost cross join lateral (%s) as found',
        (
            select string_agg(nulls[place], ', ')
            from unnest(may_go) with ordinality as listed (column_name, place)
            where column_name = any (gone)
        ),
        model
    );
    -- Types with their schemas, whatever schemas a reader's own path has.
    perform set_config('search_path', 'pg_catalog', true);
    for name, type in
        select attname, format_type(atttypid, atttypmod) from (
            select attname, atttypid, atttypmod, 1 as part, attnum
            from pg_attribute where attrelid = 'pg_temp.driftmeter_columns'::regclass
            union all
            -- Of `select *` a column goes without an error.
            select attname, atttypid, atttypmod, 2, attnum
            from pg_attribute as before
            where attrelid = to_regclass(target) and attname = any (gone) and not exists (
                select from pg_attribute as found
                where found.attrelid = 'pg_temp.driftmeter_columns'::regclass
                    and found.attname = before.attname
            )
        ) as columns
        where attnum > 0
        order by part, attnum
    loop
        types := concat_ws(', ', types, format('%I %s', name, type));
        casts := concat_ws(', ', casts, format('%I::%s as %1$I', name, type));
    end loop;
    perform set_config('search_path', old_path, true);
    drop view pg_temp.driftmeter_columns;

    -- A name that the inner select does not find is looked for one level above: there it is null.
    statements := array[
        {%- if var('distributed', false) %}
        format('create or replace view %s as %s', target, model)
        {%- else %}
        format(
            'create or replace function %s() returns table (%s) language sql stable as %L',
            rows_of,
            types,
            format(
                e'select kept.* from (select %s) as lost\ncross join lateral (\n'
                'select %s from (%s) as found\n) as kept',
                array_to_string(nulls, ', '), casts, model
            )
        ),
        format('create or replace view %s as select * from %s()', target, rows_of)
        {%- endif %}
    ];
    begin
        foreach name in array statements loop
            execute name;
        end loop;
    exception when invalid_function_definition or invalid_table_definition then
        -- Other columns, or other types of them.
        execute format('drop view if exists %s cascade', target);
        execute format('drop function if exists %s()', rows_of);
        foreach name in array statements loop
            execute name;
        end loop;
    end;
end
{{ block }}
{%- endmacro %}


{# The function whose text reads the tables. A name has 63 bytes, and a letter up to four. #}
{% macro function_of_rows(relation) -%}
    {%- set name = relation.identifier -%}
    {%- if name.encode('utf-8') | length > 58 -%}
        {%- set name = name[:11] ~ '_' ~ local_md5(name)[:8] -%}
    {%- endif -%}
    {{ return(driftmeter.quoted(relation.schema) ~ '.' ~ driftmeter.quoted(name ~ '_rows')) }}
{%- endmacro %}


{# Monitored columns of the model that is built, and their types where nothing else says them. #}
{% macro columns_that_may_go() -%}
    {%- set may_go = {} -%}
    {%- set monitor = (model.config.meta or {}).get('monitor') -%}
    {%- if monitor -%}
        {#- Without one of these no row is measured: that is an error. -#}
        {%- set keys = [monitor.timestamp, monitor.id, monitor.model_version, 'partition_date'] -%}
        {%- for segment in monitor.get('segments', []) -%}
            {%- do may_go.update({segment: 'text'}) -%}
        {%- endfor -%}
        {%- for column in driftmeter.monitor_columns(model.name) -%}
            {%- set type = 'double precision' if column.kind == 'numerical' else 'text' -%}
            {%- if column.get('is_derived') -%}
                {%- set of_vector = monitor.features[column.source].kind == 'vector' -%}
                {%- set type = 'double precision[]' if of_vector else 'text' -%}
            {%- endif -%}
            {%- do may_go.update({column.source: type}) -%}
        {%- endfor -%}
        {%- for key in keys if key in may_go -%}{%- do may_go.pop(key) -%}{%- endfor -%}
    {%- endif -%}
    {{ return(may_go) }}
{%- endmacro %}


{# A database that is copied or restored under another name is read by its own tables. #}
{% macro without_database(sql) -%}
    {%- set texts = [sql] -%}
    {%- for key in model.depends_on.nodes -%}
        {%- set node = graph.sources.get(key) or graph.nodes.get(key) -%}
        {%- if node and node.relation_name -%}
            {%- set schema = driftmeter.quoted(node.schema) -%}
            {%- set name = driftmeter.quoted(node.identifier or node.alias) -%}
            {%- do texts.append(texts.pop().replace(node.relation_name, schema ~ '.' ~ name)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(texts[0]) }}
{%- endmacro %}
