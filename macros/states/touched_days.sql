{#
    Whether a row's day is one that an arrival since the last run had a say in; every day is in a full build. A row that
    moved to another day stands on its old day as superseded, so that day is among them and is replaced as well.
#}
{% macro is_touched_day(staged) -%}
    {%- if is_incremental() -%}
        activity_date in (
            select touched.activity_date
            from {{ staged }} as touched
            where touched.settled_at > (select coalesce(max(seen.settled_at), timestamp '1969-12-31') from {{ this }} as seen)
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{# The rows that a day's facts are made of: kept ones, and those a newer version replaced, which count as nothing. #}
{% macro is_fact_row() -%} (record_status = 'accepted' or reason_code = 'superseded') {%- endmacro %}
