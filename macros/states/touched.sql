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


{#
    In an incremental run, a CTE with the customers in whose facts an arrival since the last run had a say, by relation with
    facts and the column in which the model keeps what it has seen of it. Each has its own, as tables need not arrive together.
#}
{% macro touched_customers(seen_in) -%}
    {%- if is_incremental() -%}
    touched_customers as {{ written_down() }} (
        {%- for relation, column in seen_in.items() %}
        select touched.customer_id
        from {{ relation }} as touched
        where touched.settled_at > (select coalesce(max(seen.{{ column }}), timestamp '1969-12-31') from {{ this }} as seen)
        {{ "union" if not loop.last }}
        {%- endfor %}
    ),
    {%- endif -%}
{%- endmacro %}

{# Whether a row is of a touched customer; every row is in a full build. #}
{% macro is_touched_customer() -%}
    {%- if is_incremental() -%}
        customer_id in (select touched_customers.customer_id from touched_customers)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
