{#
    dbt's own four tests, limited to the days of the run and with the day kept in each failing
    row, so that an outcome can be told for each partition and not only for the window. NaN is
    missing, as null is. What a test says is kept in `meta`, where Dagster looks for it.
#}

{% test unique_by_day(model, column_name) %}
{{ config(meta={'description': column_name ~ ' occurs once on each day.'}) }}

select {{ driftmeter.own_batch() }}, {{ column_name }}, count(*) as occurrences
from {{ model }}
where not {{ driftmeter.is_missing(column_name) }} and {{ driftmeter.in_window() }}
group by {{ driftmeter.own_batch() }}, {{ column_name }}
having count(*) > 1

{% endtest %}


{% test not_null_by_day(model, column_name) %}
{{ config(meta={'description': column_name ~ ' has a value in every row of the days that were built.'}) }}

select *
from {{ model }}
where {{ driftmeter.is_missing(column_name) }} and {{ driftmeter.in_window() }}

{% endtest %}


{% test accepted_by_day(model, column_name, values) %}
{{ config(meta={'description': column_name ~ ' is one of ' ~ values | join(', ') ~ '.'}) }}

select *
from {{ model }}
where
    {{ driftmeter.text_of(column_name) }} not in ('{{ values | join("', '") }}')
    and {{ driftmeter.in_window() }}

{% endtest %}


{% test known_by_day(model, column_name, to, field) %}
{{ config(meta={'description': column_name ~ ' is among the listed values of ' ~ field ~ '.'}) }}

select checked.*
from {{ model }} as checked
left join {{ to }} as known on checked.{{ column_name }} = known.{{ field }}
where
    not {{ driftmeter.is_missing('checked.' ~ column_name) }}
    and known.{{ field }} is null
    and {{ driftmeter.in_window('checked.partition_date') }}

{% endtest %}


{% test grain_by_day(model, columns) %}
{{ config(meta={'description': 'There is one row a day for each ' ~ columns | join(', ') ~ '.'}) }}

select {{ ([driftmeter.own_batch()] + columns) | join(', ') }}, count(*) as occurrences
from {{ model }}
where {{ driftmeter.in_window() }}
group by {{ ([driftmeter.own_batch()] + columns) | join(', ') }}
having count(*) > 1

{% endtest %}


{% test local_by_day(model, column_name, timestamp, timezone) %}
{{ config(meta={'description': column_name ~ ' is the day of ' ~ timestamp ~ ' in ' ~ timezone ~ '.'}) }}

select *
from {{ model }}
where
    {{ column_name }} <> ({{ timestamp }} at time zone '{{ timezone }}')::date
    and {{ driftmeter.in_window() }}

{% endtest %}
