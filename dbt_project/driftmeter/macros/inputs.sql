{# Of which rows a monitor's days were counted, by functions that `driftmeter up` puts there. #}

{#
    Whether `driftmeter up` prepared this database: its functions keep what later steps need. Without
    them, in a CI or a developer's schema, dbt builds its own tables all the same.
#}
{% macro is_prepared() -%}
    {%- if not driftmeter.is_run() -%}{{ return(true) }}{%- endif -%}
    {%- set function = driftmeter.in_metrics('note_inputs(text, text, date[], text[], text[])') -%}
    {{ return(run_query(
        'select to_regprocedure(' ~ driftmeter.literal(function) ~ ') is not null'
    ).columns[0][0]) }}
{%- endmacro %}


{#
    Before the days are counted: a note of the rows that they hold, in the same transaction. The
    columns are those that Python hashes for drift and performance.
#}
{% macro note_inputs() -%}
    {%- if not driftmeter.is_prepared() -%}
        {%- do log(
            'driftmeter: dbt alone builds data quality here. `driftmeter up` prepares the database '
            ~ 'for drift, performance and incidents', info=true
        ) -%}
        {{ return('') }}
    {%- endif -%}
    {%- for name in driftmeter.selected_monitors() if driftmeter.is_run() -%}
    {%- set monitor, relation = driftmeter.monitor_config(name), ref(name) -%}
    {%- set every, zone = driftmeter.cadence_of(name), driftmeter.timezone_of(name) -%}
    {%- do driftmeter.refuse_days_within_batches(name, every) -%}
    {%- set columns = [monitor.id, monitor.model_version] -%}
    {%- for column in driftmeter.monitor_columns(name) -%}
        {%- do columns.append(column.source) -%}
    {%- endfor -%}
    {%- do columns.extend(driftmeter.probability_columns(name)) -%}
    select {{ driftmeter.in_metrics(driftmeter.on_batches('note_inputs', every)) }}(
        {{ driftmeter.literal(name) }},
        'quality',
        array_agg(days.partition_date),
        array_agg(contents.fingerprint),
        array[]::text[]
    )
    from ({{ driftmeter.days_in_window(relation, every, zone) }}) as days
    left join {{ driftmeter.in_metrics(driftmeter.on_batches('day_contents', every)) }}(
        {{ driftmeter.literal(relation.schema) }},
        {{ driftmeter.literal(relation.identifier) }},
        array[{{ driftmeter.literals(columns | unique) }}]::text[]
            {{- driftmeter.columns_of_own_sql(name, relation) }},
        null,
        null,
        {{ driftmeter.first_and_last(every, zone) }}
    ) as contents on days.partition_date = contents.day
    having count(*) > 0;
    {% endfor -%}
{%- endmacro %}


{# After they are counted: days whose drift is of other rows are stale from now on. #}
{% macro publish_days() -%}
    {%- for name in driftmeter.selected_monitors()
        if driftmeter.is_run() and driftmeter.is_prepared() -%}
    {%- set every = driftmeter.cadence_of(name) %}
    select {{ driftmeter.in_metrics(driftmeter.on_batches('publish_days', every)) }}(
        {{ driftmeter.literal(name) }},
        {{ driftmeter.first_and_last(every, driftmeter.timezone_of(name)) }}
    );
    {% endfor -%}
{%- endmacro %}


{# The function of `driftmeter up` for batches of a cadence: hours are known by their start. #}
{% macro on_batches(function, every) -%}
    {{- ('hourly_' if every == 'hour') ~ function -}}
{%- endmacro %}


{#
    A week's rows have its Monday for `partition_date`, a month's its first day: those of any other
    day would be counted in no batch, without a word.
#}
{% macro refuse_days_within_batches(name, every) -%}
    {%- if every == 'hour' -%}
        {%- set zone = driftmeter.timezone_of(name) -%}
        {%- set within = run_query(
            "select min(coalesce(partition_start::text, 'null')) from " ~ ref(name)
            ~ " where (" ~ driftmeter.in_window(every='day')
            ~ ") and (partition_start is null or partition_start <> date_trunc('hour',"
            ~ " partition_start, " ~ zone ~ ") or partition_date is distinct from"
            ~ " (partition_start at time zone " ~ zone ~ ")::date)"
        ).columns[0][0] -%}
        {%- if within -%}
            {{ exceptions.raise_compiler_error(
                name ~ ": rows have the partition_start " ~ within ~ ", and the monitor has every: "
                ~ "hour. In the model, make it the instant at which the hour of the row begins, "
                ~ "date_trunc('hour', ..., " ~ zone ~ "), and partition_date its day there"
            ) }}
        {%- endif -%}
    {%- elif every != 'day' -%}
        {%- set first = driftmeter.first_and_last(every).split(',') -%}
        {%- set within = run_query(
            "select min(partition_date)::text from " ~ ref(name) ~ " where partition_date <>"
            ~ " date_trunc('" ~ every ~ "', partition_date)::date and ("
            ~ first[0] ~ " is null or partition_date between " ~ first[0] ~ " and " ~ first[1] ~ ")"
        ).columns[0][0] -%}
        {%- if within -%}
            {{ exceptions.raise_compiler_error(
                name ~ ": rows have the partition_date " ~ within ~ ", and the monitor has every: "
                ~ every ~ ". In the model, make it the first day of the batch: date_trunc('" ~ every
                ~ "', partition_date)::date"
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#
    First and last day of the run as two arguments; nulls where it has no window. A week or a month
    that ends in the run may have begun up to 31 days before it.
#}
{% macro first_and_last(every='day', zone="'UTC'") -%}
    {%- if every == 'hour' -%}
        {%- if var('start_hour', '') -%}
            timestamptz '{{ var("start_hour") }}', timestamptz '{{ var("end_hour") }}' - interval '1 hour'
        {%- elif driftmeter.has_window() -%}
            timestamp '{{ var("start_date") }}' at time zone {{ zone }},
            timestamp '{{ var("end_date") }}' at time zone {{ zone }} - interval '1 hour'
        {%- else -%}
            null::timestamptz, null::timestamptz
        {%- endif -%}
    {%- elif driftmeter.has_window() -%}
        date '{{ var("start_date") }}'{{ ' - 31' if every != 'day' }}, date '{{ var("end_date") }}' - 1
    {%- else -%}
        null::date, null::date
    {%- endif -%}
{%- endmacro %}
