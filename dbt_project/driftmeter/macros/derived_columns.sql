{# Columns of text and vectors: what is measured of each, as columns derived from it. #}

{#
    By the kind of a declared feature, what is derived of it: each with its kind and the function of
    `driftmeter up` that gives it. Python derives alike:
    python_metrics/driftmeter/monitors/derived_columns.py and arrival/values.py.
#}
{% macro measures_of(kind) -%}
    {{ return({
        'text': {
            'length': ['numerical', 'text_length'],
            'new words': ['numerical', 'text_new_words'],
            'script': ['categorical', 'text_script'],
            'language': ['categorical', 'text_language'],
        },
        'vector': {'norm': ['numerical', 'vector_norm']},
    }.get(kind, {})) }}
{%- endmacro %}


{# The columns in the place of a declared feature: itself, or what is derived of it. #}
{% macro columns_of_feature(monitor, feature, about) -%}
    {%- set columns, measures = [], driftmeter.measures_of(about.kind) -%}
    {%- for measure, (kind, function) in measures.items() -%}
        {%- do columns.append({
            'name': feature ~ ': ' ~ measure,
            'kind': kind,
            'source': feature,
            'sql': driftmeter.derived_sql(monitor, feature, about.kind, kind, function),
            'is_derived': true,
        }) -%}
    {%- endfor -%}
    {%- if not measures -%}
        {%- do columns.append({
            'name': feature,
            'kind': about.kind,
            'range': about.get('range'),
            'accepted': about.get('accepted'),
        }) -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}


{# Null in a database that `driftmeter up` did not prepare: it has no such function. #}
{% macro derived_sql(monitor, feature, of_kind, kind, function) -%}
    {%- if not driftmeter.is_prepared() -%}
        {{ return('null::' ~ ('double precision' if kind == 'numerical' else 'text')) }}
    {%- endif -%}
    {%- set value = driftmeter.quoted(feature) ~ ('::text' if of_kind == 'text' else '') -%}
    {%- if function == 'text_new_words' -%}
        {%- set asked = [monitor, feature] -%}
        {%- set value = value ~ ', ' ~ driftmeter.literals(asked) ~ ', partition_date' -%}
    {%- endif -%}
    {{ return(driftmeter.in_metrics(function) ~ '(' ~ value ~ ')') }}
{%- endmacro %}


{# Features of a monitor that are texts. #}
{% macro texts_of(name) -%}
    {%- set texts = [] -%}
    {%- for feature, about in driftmeter.monitor_config(name).get('features', {}).items()
        if about.kind == 'text' -%}
        {%- do texts.append(feature) -%}
    {%- endfor -%}
    {{ return(texts) }}
{%- endmacro %}


{#
    Before bins are cut: the words that the reference has of each text, in the same transaction.
    Where there are more than `vars.most_words`, the commonest are kept; all others are new, in
    the reference as afterwards.
#}
{% macro note_words() -%}
    {%- if driftmeter.is_run() and driftmeter.is_prepared() -%}
    {%- for name in driftmeter.monitors_with_reference_in_window() -%}
    {%- set texts, days = driftmeter.texts_of(name), driftmeter.reference_days(name) -%}
    {%- if texts -%}
    delete from {{ driftmeter.in_metrics('reference_words') }}
    where monitor = {{ driftmeter.literal(name) }};
    {% endif -%}
    {%- for feature in texts -%}
    insert into {{ driftmeter.in_metrics('reference_words') }}
        (monitor, column_name, word_hash, first_day, last_day)
    select
        {{ driftmeter.literal(name) }},
        {{ driftmeter.literal(feature) }},
        hashtextextended(word, 0) as word_hash,
        min(partition_date),
        max(partition_date)
    from {{ ref(name) }} as scored
    cross join lateral {{ driftmeter.in_metrics('words_of') }}(
        scored.{{ driftmeter.quoted(feature) }}::text
    ) as word
    where partition_date between '{{ days["from"] }}' and '{{ days["to"] }}'
    group by word_hash
    order by count(*) desc, word_hash
    limit {{ var('most_words') }};
    {% endfor -%}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
