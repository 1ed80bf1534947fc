{#
    No two rows share these columns, and none of them is null.
    as_of: a flag of as_of_dates: needs_rebuild looks at the dates that this run builds, is_current at the newest; without it all rows.
    newest_by: a column of times; looks at the values of the first column that have a row of the newest time, which
    is all that a run can have broken.
#}
{% test unique_combination(model, columns, as_of=none, newest_by=none) %}

with

tested as (
    select
        {{ columns | join(',\n        ') }}
        {%- if newest_by %},
        {{ newest_by }}
        {%- endif %}
    from {{ model }}
    {%- if as_of %}
    {{ only_dates_where(as_of) }}
    {%- endif %}
)

select
    {{ columns | join(',\n    ') }},
    count(*) as row_count
from tested
{%- if newest_by %}
where
    {{ columns[0] }} is null
    or {{ columns[0] }} in (
        select newest.{{ columns[0] }}
        from tested as newest
        where newest.{{ newest_by }} = (select max(times.{{ newest_by }}) from tested as times)
    )
{%- endif %}
group by
    {{ columns | join(',\n    ') }}
having
    count(*) > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}

{% endtest %}
