{# Every column of a trip that a monitor compares, inputs of its model or not. #}
{% macro trip_columns(relation) -%}
    {%- set names = [
        'taxi',
        'vendor_id',
        'pickup_hour',
        'passenger_count',
        'trip_distance_miles',
        'rate_code_id',
        'store_and_fwd_flag',
        'pickup_location_id',
        'dropoff_location_id',
        'pickup_borough',
        'dropoff_borough',
        'payment_type',
        'trip_type',
        'fare_usd',
        'extra_usd',
        'mta_tax_usd',
        'tip_usd',
        'tolls_usd',
        'improvement_surcharge_usd',
        'total_usd',
        'congestion_surcharge_usd',
        'airport_fee_usd',
        'cbd_congestion_fee_usd',
        'ehail_fee_usd',
    ] -%}
    {%- for name in names %}
        {{ relation }}.{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
