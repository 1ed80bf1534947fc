{#
    Which customers a stored date recomputes (by_as_of_date, models with meta by_customer). Of an as-of date that the table
    stores already, such as a month-end that late rows reach: customers with new or corrected rows. Today starts as a copy of
    yesterday; besides those, customers who were active since, or for whom a day enters or leaves a window, are recomputed.
#}

{# Of daily facts: whether they belong to a customer whom this statement recomputes; everyone where the date is new. #}
{% macro is_of_changed_customer() -%} {{ model.scope.is_changed if 'scope' in model and model.scope.is_changed else 'true' }} {%- endmacro %}

{#
    The as-of dates to build that the table stores, or takes over from a date at most a week older, each with the condition
    that a customer is recomputed. None where the model's rows or the engine do not allow single rows to be replaced.
    Only a model whose rows depend on the as-of date through its windows alone (meta windows) takes rows over.
#}
{% macro changed_customers_by_date(relation) %}
    {%- set changed = {} -%}
    {%- if not config.get('meta', {}).get('by_customer') or not can_delete_rows() -%} {{ return(changed) }} {%- endif -%}
    {%- set windows = config.get('meta', {}).get('windows') -%}
    {%- set edges = window_edges(context[windows]()) if windows else [] -%}
    {%- set spine = ref('as_of_dates') -%}
    {%- for row in run_query(
        'select spine.as_of_date, max(stored.as_of_date) as date_stored from ' ~ spine ~ ' as spine'
        ~ ' inner join (select as_of_date from ' ~ relation ~ ' group by as_of_date) as stored'
        ~ ' on stored.as_of_date = spine.as_of_date'
        ~ ' or (stored.as_of_date < spine.as_of_date and stored.as_of_date not in (select as_of_date from ' ~ spine ~ '))'
        ~ ' where spine.needs_rebuild and (spine.is_current or stored.as_of_date = spine.as_of_date) group by spine.as_of_date'
    ) -%}
        {%- set date, date_stored = row['as_of_date'], row['date_stored'] -%}
        {%- if date == date_stored or (edges and (date - date_stored).days <= 7) -%}
            {%- do changed.update({date: list_changed_customers(relation, date, date_stored, edges)}) -%}
            {%- if date != date_stored -%}
                {%- do run_query(
                    'update ' ~ relation ~ " set as_of_date = date '" ~ date ~ "' where as_of_date = date '" ~ date_stored ~ "'"
                ) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if changed -%} {%- do count_written(relation) -%} {%- endif -%}
    {{ return(changed) }}
{% endmacro %}

{#
    Stores whose row for a date may differ from the stored one of that or an earlier date, in a temporary table, and gives the
    condition that a customer is among them. The facts are the table of the activity layer that the model reads.
#}
{% macro list_changed_customers(relation, date, date_stored, edges) %}
    {%- set facts = [] -%}
    {%- for id in model.depends_on.nodes if graph.nodes[id].fqn[1] == 'activity' -%}
        {%- do facts.append(built_relation(graph.nodes[id].name)) -%}
    {%- endfor -%}
    {%- set days_passed = [] -%}
    {%- for edge in edges -%}
        {%- for day in range((date - date_stored).days) -%}
            {%- do days_passed.append(date - modules.datetime.timedelta(days=edge + day)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set changed = make_temp_relation(relation, '__changed_' ~ (date | string | replace('-', ''))) -%}
    {%- do run_query(create_table_as(
        true, changed,
        "select facts.customer_id from " ~ facts[0] ~ " as facts where facts.activity_date <= date '" ~ date ~ "'"
        ~ " and (" ~ is_among_dates('facts.activity_date', days_passed)
        ~ " or facts.activity_date > date '" ~ date_stored ~ "'"
        ~ " or facts.last_changed_at > (select max(stored.last_changed_at) from " ~ relation ~ " as stored"
        ~ " where stored.as_of_date = date '" ~ date_stored ~ "')) group by facts.customer_id"
    )) -%}
    {{ return('customer_id in (select changed.customer_id from ' ~ changed ~ ' as changed)') }}
{% endmacro %}
