{#
    No two rows share these columns, and none of them is null.
    as_of: "outdated" looks at the as-of dates that this run built, "current" at the newest; all rows where it is not given.
#}
{% test unique_combination(model, columns, as_of=none) %}

select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
{%- if as_of %}
where as_of_date in (select spine.as_of_date from {{ ref('as_of_dates') }} as spine where spine.is_{{ as_of }})
{%- endif %}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}

{% endtest %}
