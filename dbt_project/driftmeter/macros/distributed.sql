{#
    Tables on all machines of a Citus: those whose `meta.distribute_by` names a column, where
    `vars.distributed` is true. What joins them by that column, inserts into them or deletes from
    them then runs where the rows are; through a table on the coordinator each row would travel
    there and back.
#}
{% macro create_table_as(temporary, relation, sql) -%}
    {%- set column = config.get('meta', {}).get('distribute_by') -%}
    {%- if not column or not var('distributed', false) -%}
        {{ dbt.postgres__create_table_as(temporary, relation, sql) }}
    {%- elif temporary -%}
        {{ driftmeter.create_temporary_view(relation, sql) }}
    {%- else -%}
        {{ driftmeter.create_distributed_table(relation, sql, column) }}
    {%- endif -%}
{%- endmacro %}


{# New rows of a table by another name: `replace_window` inserts them once, machine by machine. #}
{% macro create_temporary_view(relation, sql) -%}
    create temporary view {{ relation }}
    {%- if config.get('contract').enforced %} {{ get_assert_columns_equivalent(sql) }}{% endif %} as (
        {{ sql }}
    );
{%- endmacro %}


{# Distributed while it is empty, so that its first rows are not gathered either. #}
{% macro create_distributed_table(relation, sql, column) -%}
    create table {{ relation }}
    {% if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
        {{ get_table_columns_and_constraints() }};
        {%- set names = adapter.dispatch('get_column_names', 'dbt')() -%}
        {%- set rows = get_select_subquery(sql) -%}
    {%- else -%}
        as (
            {{ sql }}
        ) with no data;
        {%- set names, rows = none, sql -%}
    {%- endif %}

    select create_distributed_table('{{ relation }}', '{{ column }}');

    insert into {{ relation }} {{ '(' ~ names ~ ')' if names }}
    {{ rows }};
{%- endmacro %}


{# A small table that the distributed ones join, copied to every machine. #}
{% macro replicate() -%}
    {%- if var('distributed', false) -%}
    select create_reference_table('{{ this }}')
    where not exists (
        select from pg_dist_partition where logicalrelid = '{{ this }}'::regclass
    )
    {%- endif -%}
{%- endmacro %}
