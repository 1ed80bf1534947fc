{#
    Which facts a run replaces: those of the customers and days that newly loaded rows may change. A row that moved to
    another day or customer leaves a superseded version behind, so its old day is among them.
#}

{# The rows that a day's facts are made of: kept ones, and those that a newer version replaced, which count as nothing. #}
{% macro is_fact_row() -%} (record_status = 'accepted' or reason_code = 'superseded') {%- endmacro %}

{#
    True for rows of a customer-day that newly loaded rows may change, always true in a full build. Days and customers are
    filtered separately: slightly more rows, two cheap filters. The days are literal dates, which engines find by their place.
#}
{% macro is_of_affected_fact(staged) -%}
    {%- if is_incremental() -%}
        {{ is_among_dates('activity_date', affected_days(staged)) }}
        and customer_id in (
            select affected.customer_id
            from {{ with_customer_id(staged) }} as affected
            where affected.last_changed_at > ({{ newest_seen('last_changed_at') }})
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro affected_days(staged) -%}
    {{ return(run_query(
        'select activity_date from ' ~ staged ~ ' where last_changed_at > (' ~ newest_seen('last_changed_at') ~ ')'
        ~ ' and activity_date is not null group by activity_date order by activity_date'
    ).columns[0].values() | list) }}
{%- endmacro %}

{#
    In an incremental run, a CTE with the customers whose facts newly loaded rows may change. seen: by kind of fact the column
    in which the model keeps what it has seen of that kind, as tables need not arrive together.
#}
{% macro affected_customers(facts, seen) -%}
    {%- if is_incremental() -%}
    affected_customers as {{ materialized_once() }} (
        {%- for kind, column in seen.items() %}
        select affected.customer_id
        from {{ facts }} as affected
        where
            affected.kind = '{{ kind }}'
            and affected.last_changed_at > ({{ newest_seen(column) }})
        {{ "union" if not loop.last }}
        {%- endfor %}
    ),
    {%- endif -%}
{%- endmacro %}

{# Whether a row belongs to an affected customer; always true in a full build. #}
{% macro is_affected_customer() -%}
    {%- if is_incremental() -%}
        customer_id in (select affected_customers.customer_id from affected_customers)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# The newest time in a column of what the model holds; older than any where it holds nothing yet. #}
{% macro newest_seen(column) -%}
    select coalesce(max(seen.{{ column }}), timestamp '1969-12-31 00:00:00') from {{ this }} as seen
{%- endmacro %}
