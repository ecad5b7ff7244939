{#
    The days of this run: `start_date` to before `end_date`. With neither, every day that the
    source has; one without the other, or what is no date, is refused: it would touch every day.
#}
{% macro has_window() -%}
    {%- set start, end = var('start_date', '') | string, var('end_date', '') | string -%}
    {%- if start == '' or end == '' -%}{%- do driftmeter.refuse_misspelt_window() -%}{%- endif -%}
    {%- if start == '' and end == '' -%}{{ return(false) }}{%- endif -%}
    {%- if execute -%}
        {%- for name, value in [('start_date', start), ('end_date', end)]
            if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', value) -%}
            {{ exceptions.raise_compiler_error(
                "vars." ~ name ~ ": '" ~ value ~ "' is no day. Give both or neither, the end excluded: "
                ~ "--vars '{start_date: 2026-01-01, end_date: 2026-01-02}'"
            ) }}
        {%- endfor -%}
        {%- if start >= end -%}
            {{ exceptions.raise_compiler_error(
                'vars.start_date: ' ~ start ~ ' is not before end_date ' ~ end
                ~ ', which is excluded. One day is from itself to the next'
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(true) }}
{%- endmacro %}


{#
    Refuse a variable of the command line that is nearly `start_date` or `end_date`: dbt knows no
    wrong variables, and would build every day. Nearly: all but three letters are the same.
#}
{% macro refuse_misspelt_window() -%}
    {%- set given = (invocation_args_dict or {}).get('vars') or {} -%}
    {%- if execute and given is mapping -%}
        {%- for name in given if name not in ('start_date', 'end_date') -%}
            {%- for right in ('start_date', 'end_date') -%}
                {%- set apart = namespace(letters=0) -%}
                {%- for letter in (name ~ right) | list | unique -%}
                    {%- set apart.letters = apart.letters
                        + (name.count(letter) - right.count(letter)) | abs -%}
                {%- endfor -%}
                {%- if apart.letters <= 3 or name in ('start', 'end', 'from', 'to', 'day', 'date') -%}
                    {{ exceptions.raise_compiler_error(
                        "vars." ~ name ~ ": there is no such variable. Name the days that are built "
                        ~ "start_date and end_date, the end excluded: "
                        ~ "--vars '{start_date: 2026-01-01, end_date: 2026-01-02}'"
                    ) }}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{# Whether the run is of a single day, which Postgres finds quicker and need not group by. #}
{% macro is_one_day() -%}
    {%- if not driftmeter.has_window() or not execute -%}{{ return(false) }}{%- endif -%}
    {%- set parts = modules.re.fullmatch(
        '([0-9]{4})-(0[1-9]|1[0-2])-([0-9]{2})', var('start_date') | string
    ) -%}
    {#- What is no day of its month Postgres refuses, by its name. -#}
    {%- if not parts -%}{{ return(false) }}{%- endif -%}
    {%- set month = modules.datetime.date(parts[1] | int, parts[2] | int, 1) -%}
    {%- set following = month + modules.datetime.timedelta(days=parts[3] | int) -%}
    {{ return(following.isoformat() == var('end_date') | string) }}
{%- endmacro %}


{#
    How often the monitor scores whose model this is, or which this test is of.
    Of a week or a month `partition_date` is the first day.
#}
{% macro own_cadence() -%}
    {%- set node = model -%}
    {%- if execute and model.get('attached_node') -%}
        {%- set node = graph.nodes.get(model.attached_node, model) -%}
    {%- endif -%}
    {%- set monitor = (node.config.meta or {}).get('monitor') or {} -%}
    {{ return(monitor.get('every', 'day')) }}
{%- endmacro %}


{# What a test keeps of a failing row: its day, of an hourly monitor also when the hour begins. #}
{% macro own_batch(every=none) -%}
    {{- 'partition_date, partition_start' if (every or driftmeter.own_cadence()) == 'hour'
        else 'partition_date' -}}
{%- endmacro %}


{#
    Whether a row is of the run's days. A week or a month is of the run that has its last day: it
    is counted once it has ended. A view or a table that says so would hold them alone: all
    other days, the reference's too, would be gone from it after the run.
#}
{% macro in_window(column='partition_date', every=none) -%}
    {%- set every = every or driftmeter.own_cadence() -%}
    {%- if driftmeter.has_window() -%}
        {%- if execute
            and model.resource_type == 'model'
            and model.config.materialized in ('table', 'view', 'view_by_name') -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ': in_window() in a ' ~ model.config.materialized ~ ' leaves out every '
                ~ 'day but those of the run. Take it out of the model, or materialize that as '
                ~ 'incremental with incremental_strategy: replace_window'
            ) }}
        {%- endif -%}
        {%- if every == 'hour' %}
        {#- By days, which Postgres may find rows by, and by the hours of the run where it has some.
            An hour is counted once it has ended. #}
        {%- set start = column | replace('partition_date', 'partition_start') %}
        {{ column }} >= date '{{ var("start_date") }}'
        and {{ column }} < date '{{ var("end_date") }}'
        {%- if var('start_hour', '') %}
        and {{ start }} >= timestamptz '{{ var("start_hour") }}'
        and {{ start }} < timestamptz '{{ var("end_hour") }}'
        {%- endif %}
        and {{ start }} <= now() - interval '1 hour'
        {%- elif every != 'day' %}
        {#- The first is for Postgres, which finds days by it. #}
        {{ column }} between date '{{ var("start_date") }}' - 31 and date '{{ var("end_date") }}'
        and {{ column }} + interval '1 {{ every }}' > date '{{ var("start_date") }}'
        and {{ column }} + interval '1 {{ every }}' <= date '{{ var("end_date") }}'
        {%- elif driftmeter.is_one_day() %}
        {{ column }} = date '{{ var("start_date") }}'
        {%- else %}
        {{ column }} >= date '{{ var("start_date") }}'
        and {{ column }} < date '{{ var("end_date") }}'
        {%- endif %}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#
    One row a day, so that a day with no rows is still a day; of weeks and months the first day of
    each that has its last day in the run.
#}
{% macro days_in_window(relation, every='day', zone="'UTC'") -%}
    {%- if every == 'hour' -%}
        select hours as partition_date
        from
            generate_series(
        {%- if driftmeter.has_window() or var('start_hour', '') %}
                {{ driftmeter.first_and_last(every, zone) }},
        {%- else %}
                (select min(partition_start) from {{ relation }}),
                (select max(partition_start) from {{ relation }}),
        {%- endif %}
                interval '1 hour'
            ) as hours
        where hours <= now() - interval '1 hour'
    {%- elif driftmeter.has_window() and every != 'day' -%}
        select batches::date as partition_date
        from
            generate_series(
                date_trunc('{{ every }}', timestamp '{{ var("start_date") }}'),
                date_trunc('{{ every }}', timestamp '{{ var("end_date") }}') - interval '1 day',
                interval '1 {{ every }}'
            ) as batches
    {%- elif driftmeter.has_window() -%}
        select days::date as partition_date
        from
            generate_series(
                date '{{ var("start_date") }}',
                date '{{ var("end_date") }}' - 1,
                interval '1 day'
            ) as days
    {%- else -%}
        select
            generate_series(
                min(partition_date), max(partition_date), interval '1 {{ every }}'
            )::date as partition_date
        from {{ relation }}
    {%- endif -%}
{%- endmacro %}


{#
    Settings of the transaction that counts rows. How many cells a day has is in no statistics of
    Postgres: it would sort a million rows in place of hashing them, and loop over cells. Of many
    rows a scan or sort shared by several processes would hand them to one that counts; with neither,
    each process counts columns of its own. On a Citus all machines are told.
#}
{% macro plan_for_counts() -%}
    {%- if var('distributed', false) %}
    set local citus.propagate_set_commands = 'local';
    {%- endif %}
    set local enable_nestloop = off;
    set local enable_sort = off;
    set local jit = off;
    {%- for name in driftmeter.selected_monitors() if driftmeter.days_by_size(name).many %}
    {%- if loop.first %}
    set local min_parallel_table_scan_size = '1TB';
    set local enable_gathermerge = off;
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
