{#
    Which customers are measured again (by_as_of_date). Of an as-of date that a table of measured facts already holds, such
    as the month-end that late rows reach: those in whose facts an arrival has had a say since, by the table's last_changed_at.
    Today takes over the rows of yesterday, which leaves, in the same way; there it is, besides, those with facts of the new
    day, or on a day that a window has come to or passed.
#}


{#
    Of daily facts: whether they are of a customer to be measured; everyone is where the table does not hold the date.
    window_ends: how many days before the as-of date the model's windows begin and end. A model whose rows depend on the
    as-of date in another way has none, and takes no rows over. They stand in the SQL, so that they are of this run's vars; what
    a model's config says is of the vars with which the project was parsed.
#}
{% macro is_of_changed_customer(window_ends=[]) -%}
    customer_id is not null{{ " /* window_ends: " ~ window_ends | select | unique | join(", ") ~ " */" if window_ends }}
{%- endmacro %}


{#
    The outdated as-of dates that a table holds, or takes over from a date at most a week older, each with the condition that
    a customer is to be measured again. None where the engine cannot replace single rows.
#}
{% macro changed_customers_by_date(relation, sql) %}
    {%- set changed = {} -%}
    {%- if is_of_changed_customer() not in sql or not can_delete_rows() -%} {{ return(changed) }} {%- endif -%}
    {%- set told = modules.re.search('window_ends: ([0-9, ]+)', sql) -%}
    {%- set window_ends = told.group(1).split(',') | map('int') | list if told else [] -%}
    {%- set spine = ref('as_of_dates') -%}
    {%- for row in run_query(
        'select spine.as_of_date, max(held.as_of_date) as date_held from ' ~ spine ~ ' as spine'
        ~ ' inner join (select as_of_date from ' ~ relation ~ ' group by as_of_date) as held'
        ~ ' on held.as_of_date = spine.as_of_date'
        ~ ' or (held.as_of_date < spine.as_of_date and held.as_of_date not in (select as_of_date from ' ~ spine ~ '))'
        ~ ' where spine.needs_rebuild and (spine.is_current or held.as_of_date = spine.as_of_date) group by spine.as_of_date'
    ) -%}
        {%- set date, date_held = row['as_of_date'], row['date_held'] -%}
        {%- if date == date_held or (window_ends and (date - date_held).days <= 7) -%}
            {%- do changed.update({date: write_down_changed_customers(relation, date, date_held, window_ends)}) -%}
        {%- endif -%}
        {%- if date in changed and date != date_held -%}
            {%- do run_query(
                'update ' ~ relation ~ " set as_of_date = date '" ~ date ~ "' where as_of_date = date '" ~ date_held ~ "'"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if changed -%} {%- do count_written(relation) -%} {%- endif -%}
    {{ return(changed) }}
{% endmacro %}


{#
    Writes down whose row for a date may differ from the one that a table of measured facts holds for that or an earlier date,
    and gives the condition that a customer is among them. The facts are the table of the activity layer that the model reads.
#}
{% macro write_down_changed_customers(relation, date, date_held, window_ends) %}
    {%- set facts = [] -%}
    {%- for id in model.depends_on.nodes if graph.nodes[id].fqn[1] == 'activity' -%}
        {%- do facts.append(built_relation(graph.nodes[id].name)) -%}
    {%- endfor -%}
    {%- set days_passed = [] -%}
    {%- for days in window_ends -%}
        {%- for day in range((date - date_held).days) -%}
            {%- do days_passed.append(date - modules.datetime.timedelta(days=days + day)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set changed = make_temp_relation(relation, '__changed_' ~ (date | string | replace('-', ''))) -%}
    {%- do run_query(create_table_as(
        true, changed,
        "select facts.customer_id from " ~ facts[0] ~ " as facts where facts.activity_date <= date '" ~ date ~ "'"
        ~ " and (" ~ is_among_dates('facts.activity_date', days_passed)
        ~ " or facts.activity_date > date '" ~ date_held ~ "'"
        ~ " or facts.last_changed_at > (select max(held.last_changed_at) from " ~ relation ~ " as held"
        ~ " where held.as_of_date = date '" ~ date_held ~ "')) group by facts.customer_id"
    )) -%}
    {{ return('customer_id in (select changed.customer_id from ' ~ changed ~ ' as changed)') }}
{% endmacro %}
