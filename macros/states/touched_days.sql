{#
    In an incremental run: the days that an arrival since the last run had a say in. A row that moved to another day
    stands on its old day as superseded, so that day is among them and is replaced as well.
#}
{% macro only_touched_days(staged) -%}
    {%- if is_incremental() %}
        and activity_date in (
            select touched.activity_date
            from {{ staged }} as touched
            where touched.settled_at > (select coalesce(max(seen.settled_at), timestamp '1969-12-31') from {{ this }} as seen)
        )
    {%- endif %}
{%- endmacro %}


{# The rows that a day's facts are made of: kept ones, and those a newer version replaced, which count as nothing. #}
{% macro is_fact_row() -%} (record_status = 'accepted' or reason_code = 'superseded') {%- endmacro %}
