{#
    Stores a table of states as-of date by as-of date: a run replaces the dates that need a rebuild and removes dates that are
    none any more, in one transaction where the engine has them. The model is rendered once for each statement, with literal
    dates in place of a query for them: an engine finds those by their place, but reads everything to join a table of dates.
    A statement takes as many dates as records_per_statement allows, so that memory does not grow with the history.
#}
{% materialization by_as_of_date, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if 'dates_to_build(' not in model.raw_code -%}
        {{ exceptions.raise_compiler_error(this.identifier ~ " is built by as-of date and must say of which dates_to_build") }}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is none or existing.is_view or should_full_refresh() -%}
        {%- if existing -%} {%- do adapter.drop_relation(existing) -%} {%- endif -%}
        {%- call statement('main') -%} {{ create_empty_by_date(target_relation, sql) }} {%- endcall -%}
    {%- else -%}
        {%- call noop_statement('main', 'OK') -%} {%- endcall -%}
    {%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list -%}
    {%- set columns_of_model = get_columns_in_query(sql) -%}
    {%- if columns | sort != columns_of_model | sort -%}
        {{ exceptions.raise_compiler_error(
            this.identifier ~ " was built with other columns than its model gives: " ~ columns_of_model | join(", ") ~ ". "
            ~ build_all_of_history()
        ) }}
    {%- endif -%}

    {%- set changed_by_date = changed_customers_by_date(target_relation) -%}
    {%- do run_all(forget_dates(
        target_relation, 'as_of_date not in (select spine.as_of_date from ' ~ ref('as_of_dates') ~ ' as spine)'
    )) -%}
    {%- for date, is_changed in changed_by_date.items() -%}
        {%- do replace_states(target_relation, columns, {'dates': [date], 'is_changed': is_changed}) -%}
    {%- endfor -%}
    {%- for rows in dates_by_statement(other_than=changed_by_date.keys()) -%}
        {%- do replace_states(target_relation, columns, {
            'dates': rows | map(attribute='as_of_date') | list,
            'dates_before': rows | map(attribute='previous_as_of_date') | select | list
        }) -%}
    {%- endfor -%}

    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# Replaces the states of one statement. The scope says what the macros below mean in the model: dates, and which customers. #}
{% macro replace_states(relation, columns, scope) -%}
    {%- do model.update({'scope': scope}) -%}
    {%- set condition = is_among_dates('as_of_date', scope.dates) ~ (' and ' ~ scope.is_changed if scope.is_changed) -%}
    {%- do run_all(forget_dates(relation, condition)) -%}
    {%- call statement('insert_states') -%} {{ insert_states(relation, columns, render(model.raw_code)) }} {%- endcall -%}
{%- endmacro %}

{# The dates that the statement builds, as a condition, and as the rows of a relation. #}
{% macro only_dates_to_build() -%}
    {%- set planned = 'as_of_date in (select spine.as_of_date from ' ~ ref('as_of_dates') ~ ' as spine where spine.needs_rebuild)' -%}
    where {{ is_among_dates('as_of_date', model.scope.dates) if 'scope' in model else planned }}
{%- endmacro %}

{% macro of_dates_to_build(relation) -%} (select * from {{ relation }} {{ only_dates_to_build() }}) {%- endmacro %}

{#
    The rows of the date before as the table stores them, so that an open date is compared with what a frozen one reported.
    A model that asks for it is built one date a statement, in their order. Outside of a build: the rows of the same query.
#}
{% macro stored_dates_before(like) -%}
    {%- set stored = this ~ ' as stored where ' ~ is_among_dates('as_of_date', model.scope.dates_before) if 'scope' in model -%}
    (select stored.* from {{ stored or like ~ ' as stored' }})
{%- endmacro %}

{# Whether a column is one of some dates, given as text or as dates. #}
{% macro is_among_dates(column, dates) -%}
    {%- set dates = dates | join("', date '") -%}
    {{ column ~ " in (date '" ~ dates ~ "')" if dates else '1 = 0' }}
{%- endmacro %}

{# The as-of dates to build, without some, as lists of those that one statement builds: at least one each. #}
{% macro dates_by_statement(other_than=[]) %}
    {%- set ns = namespace(batches=[], records=0) -%}
    {%- for row in run_query(
        'select as_of_date, previous_as_of_date, record_count from ' ~ ref('as_of_dates') ~ ' where needs_rebuild order by as_of_date'
    ) if row['as_of_date'] not in other_than -%}
        {%- set records = row['record_count'] | int -%}
        {%- set has_room = ns.records + records <= var('records_per_statement') and 'stored_dates_before(' not in model.raw_code -%}
        {%- if not ns.batches or not has_room -%}
            {%- do ns.batches.append([]) -%}
            {%- set ns.records = 0 -%}
        {%- endif -%}
        {%- do ns.batches[-1].append({'as_of_date': row['as_of_date'], 'previous_as_of_date': row['previous_as_of_date']}) -%}
        {%- set ns.records = ns.records + records -%}
    {%- endfor -%}
    {{ return(ns.batches) }}
{% endmacro %}

{% macro run_all(statements) %} {%- for one in statements -%} {%- do run_query(one) -%} {%- endfor -%} {% endmacro %}
