{# For a test: the as-of dates for which a flag of as_of_dates holds, as dates once they are known. #}
{% macro only_dates_where(flag) -%}
    {%- set spine = ref('as_of_dates') -%}
    {%- if execute and load_relation(spine) -%}
        where {{ is_among_dates('as_of_date', run_query('select as_of_date from ' ~ spine ~ ' where ' ~ flag).columns[0].values()) }}
    {%- else -%}
        where as_of_date in (select spine.as_of_date from {{ spine }} as spine where spine.{{ flag }})
    {%- endif -%}
{%- endmacro %}
