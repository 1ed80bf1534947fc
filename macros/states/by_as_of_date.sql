{#
    Materialisation of the tables of states: replaced as-of date by as-of date, a statement for as many dates as
    records_per_statement allows, so that memory does not grow with the history. Only the dates that this run must build
    are touched, and those that are no longer as-of dates, such as yesterday's, leave. All of it is one transaction where
    the engine has such a thing.

    The model says what it takes of each relation with as-of dates: only_outdated(), only_before_outdated() or
    told_before_outdated(). One that measures daily facts customer by customer says is_of_touched_customer_by_date() of them:
    of a date that the table already holds, such as the month-end that late rows reach, only the customers are replaced in
    whose facts an arrival has had a say since. What it has seen of them its settled_at tells.
#}
{% materialization by_as_of_date, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if only_outdated() not in sql -%}
        {{ exceptions.raise_compiler_error(this.identifier ~ " is built by as-of date and must say only_outdated()") }}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is none or existing.is_view or should_full_refresh() -%}
        {%- if existing -%} {%- do adapter.drop_relation(existing) -%} {%- endif -%}
        {%- call statement('main') -%}
            {{ create_empty_by_date(target_relation, sql) }}
        {%- endcall -%}
    {%- else -%}
        {%- call noop_statement('main', 'OK') -%} {%- endcall -%}
        {%- do run_all(forget_dates(
            target_relation, 'as_of_date not in (select spine.as_of_date from ' ~ ref('as_of_dates') ~ ' as spine)'
        )) -%}
    {%- endif -%}

    {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list -%}
    {%- set columns_of_model = get_columns_in_query(sql) -%}
    {%- if columns | sort != columns_of_model | sort -%}
        {{ exceptions.raise_compiler_error(
            this.identifier ~ " was built with other columns than its model gives: " ~ columns_of_model | join(", ")
            ~ ". Build with --full-refresh, so that all of history is told in one way."
        ) }}
    {%- endif -%}

    {%- set dates_held = dates_held_by_customer(target_relation, sql) -%}
    {%- for date in dates_held -%}
        {%- set touched = write_down_touched_customers(target_relation, date) -%}
        {%- set dated_sql = sql | replace(only_outdated(), dates_filter([date])) | replace(is_of_touched_customer_by_date(), touched) -%}
        {%- do run_all(forget_dates(target_relation, is_among_dates('as_of_date', [date]) ~ ' and ' ~ touched)) -%}
        {%- call statement('insert_touched_' ~ loop.index) -%} {{ insert_states(target_relation, columns, dated_sql) }} {%- endcall -%}
    {%- endfor -%}

    {%- for rows in outdated_dates_by_statement(other_than=dates_held) -%}
        {%- set dates = rows | map(attribute='as_of_date') | list -%}
        {%- set dates_before = rows | map(attribute='previous_as_of_date') | select | list -%}
        {%- set these_dates = dates_filter(dates) -%}
        {%- set built_along = dates_filter(dates_before | select('in', dates)) -%}
        {%- set dated_sql = sql | replace(only_before_outdated(), built_along) | replace(only_outdated(), these_dates) -%}
        {%- if 'told_before_outdated()' in model.raw_code -%}
            {%- set told = '(select * from ' ~ target_relation ~ ' ' ~ dates_filter(dates_before | reject('in', dates)) ~ ')' -%}
            {%- set dated_sql = dated_sql | replace(told_before_outdated(), told) -%}
        {%- endif -%}
        {%- do run_all(forget_dates(target_relation, these_dates | replace('where ', ''))) -%}
        {%- call statement('insert_' ~ loop.index) -%} {{ insert_states(target_relation, columns, dated_sql) }} {%- endcall -%}
    {%- endfor -%}

    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{% macro insert_states(relation, columns, sql) -%}
    insert into {{ relation }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }}
    from (
        {{ sql }}
    ) as states
{%- endmacro %}


{% macro run_all(statements) %}
    {%- for one in statements -%} {%- do run_query(one) -%} {%- endfor -%}
{% endmacro %}


{#
    Of a table or view with as-of dates: those that an arrival, or the calendar, has outdated. A table built by as-of
    date puts the dates themselves here, as engines find a date at its place, and the dates of a query by reading all.
#}
{% macro only_outdated() -%}
    where as_of_date in (select spine.as_of_date from {{ ref('as_of_dates') }} as spine where spine.is_outdated)
{%- endmacro %}

{# Of a table or view with as-of dates: each date before an outdated one, where the same statement builds both. #}
{% macro only_before_outdated() -%}
    where as_of_date in (select spine.previous_as_of_date from {{ ref('as_of_dates') }} as spine where spine.is_outdated)
{%- endmacro %}

{#
    Where only_before_outdated() does not reach: the states of the date before as the table itself holds them, so that an
    open date is compared with what a frozen one told. A table of compared states puts itself here; elsewhere it is empty.
#}
{% macro told_before_outdated() -%}
    (select * from {{ ref('int_customer_states_placed') }} where 1 = 0)
{%- endmacro %}

{#
    Of daily facts that are measured customer by customer: whether they are of a customer in whose facts an arrival has had a
    say since the table was last built for the as-of date; everyone's are where it does not hold the date.
#}
{% macro is_of_touched_customer_by_date() -%} customer_id is not null {%- endmacro %}

{# The outdated as-of dates that a table of measured facts already holds, where its engine can replace rows of a date. #}
{% macro dates_held_by_customer(relation, sql) %}
    {%- if is_of_touched_customer_by_date() not in sql or not can_delete_rows() -%} {{ return([]) }} {%- endif -%}
    {{ return(run_query(
        'select spine.as_of_date from ' ~ ref('as_of_dates') ~ ' as spine where spine.is_outdated'
        ~ ' and spine.as_of_date in (select held.as_of_date from ' ~ relation ~ ' as held) order by spine.as_of_date'
    ).columns[0].values() | list) }}
{% endmacro %}

{#
    Writes down who has been touched since a table of measured facts was built for a date, and gives the condition that a
    customer is one of them. The facts are the table of the activity layer that the model reads.
#}
{% macro write_down_touched_customers(relation, date) %}
    {%- set facts = [] -%}
    {%- for id in model.depends_on.nodes if graph.nodes[id].fqn[1] == 'activity' -%}
        {%- do facts.append(built_relation(graph.nodes[id].name)) -%}
    {%- endfor -%}
    {%- set touched = make_temp_relation(relation, '__touched_' ~ (date | string | replace('-', ''))) -%}
    {%- do run_query(create_table_as(
        true, touched,
        "select facts.customer_id from " ~ facts[0] ~ " as facts where facts.activity_date <= date '" ~ date ~ "'"
        ~ " and facts.settled_at > (select max(held.settled_at) from " ~ relation ~ " as held"
        ~ " where held.as_of_date = date '" ~ date ~ "') group by facts.customer_id"
    )) -%}
    {{ return('customer_id in (select touched.customer_id from ' ~ touched ~ ' as touched)') }}
{% endmacro %}

{# For a test: the as-of dates that are "current" or "outdated", as dates once they are known. #}
{% macro only_dates_that_are(kind) -%}
    {%- set spine = ref('as_of_dates') -%}
    {%- if execute and load_relation(spine) -%}
        {{ dates_filter(run_query('select as_of_date from ' ~ spine ~ ' where is_' ~ kind).columns[0].values()) }}
    {%- else -%}
        where as_of_date in (select spine.as_of_date from {{ spine }} as spine where spine.is_{{ kind }})
    {%- endif -%}
{%- endmacro %}

{% macro dates_filter(dates) -%} where {{ is_among_dates('as_of_date', dates) }} {%- endmacro %}

{# Whether a column is one of some dates, given as text or as dates. #}
{% macro is_among_dates(column, dates) -%}
    {%- set dates = dates | list -%}
    {{ column ~ " in (date '" ~ dates | join("', date '") ~ "')" if dates else '1 = 0' }}
{%- endmacro %}


{#
    The outdated as-of dates, other than some, as lists of those that one statement builds: at least one, and no more records
    than allowed.
#}
{% macro outdated_dates_by_statement(other_than=[]) %}
    {%- set ns = namespace(batches=[], records=0) -%}
    {%- for row in run_query(
        'select as_of_date, previous_as_of_date, record_count from ' ~ ref('as_of_dates') ~ ' where is_outdated order by as_of_date'
    ) if row['as_of_date'] not in other_than -%}
        {%- set records = row['record_count'] | int -%}
        {%- if not ns.batches or ns.records + records > var('records_per_statement') -%}
            {%- do ns.batches.append([]) -%}
            {%- set ns.records = 0 -%}
        {%- endif -%}
        {%- do ns.batches[-1].append({'as_of_date': row['as_of_date'], 'previous_as_of_date': row['previous_as_of_date']}) -%}
        {%- set ns.records = ns.records + records -%}
    {%- endfor -%}
    {{ return(ns.batches) }}
{% endmacro %}
