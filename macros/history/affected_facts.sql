{#
    Whether a row belongs to a fact, a customer's day, that an arrival since the last run may have had a say in; every row
    does in a full build. A row that moved to another day, or customer, stands on its old one as superseded, so that fact is
    among them and is replaced as well. Asked for by days and by customers apart: which of their days were touched by whom is
    not worth the asking.
#}
{% macro is_of_affected_fact(staged) -%}
    {%- if is_incremental() -%}
        {{ is_among_dates('activity_date', affected_days(staged)) }}
        and customer_id in (
            select touched.customer_id
            from {{ staged }} as touched
            where touched.last_changed_at > ({{ newest_seen('last_changed_at') }})
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# The days that an arrival since the last run had a say in, as a list: engines find dates themselves at their place. #}
{% macro affected_days(staged) -%}
    {{ return(run_query(
        'select activity_date from ' ~ staged ~ ' where last_changed_at > (' ~ newest_seen('last_changed_at') ~ ')'
        ~ ' and activity_date is not null group by activity_date order by activity_date'
    ).columns[0].values() | list) }}
{%- endmacro %}


{# The rows that a day's facts are made of: kept ones, and those a newer version replaced, which count as nothing. #}
{% macro is_fact_row() -%} (record_status = 'accepted' or reason_code = 'superseded') {%- endmacro %}


{#
    In an incremental run, a CTE with the customers in whose facts an arrival since the last run had a say, by relation with
    facts and the column in which the model keeps what it has seen of it. Each has its own, as tables need not arrive together.
#}
{% macro affected_customers(seen_in) -%}
    {%- if is_incremental() -%}
    affected_customers as {{ materialized_once() }} (
        {%- for relation, column in seen_in.items() %}
        select touched.customer_id
        from {{ relation }} as touched
        where touched.last_changed_at > ({{ newest_seen(column) }})
        {{ "union" if not loop.last }}
        {%- endfor %}
    ),
    {%- endif -%}
{%- endmacro %}

{# Whether a row is of a touched customer; every row is in a full build. #}
{% macro is_affected_customer() -%}
    {%- if is_incremental() -%}
        customer_id in (select affected_customers.customer_id from affected_customers)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
