{#
    Stores a table of states as-of date by as-of date. A run replaces the dates that as_of_dates says need_rebuild, and
    removes dates that are no as-of dates any more. All of it is one transaction where the engine has transactions.

    The model is rendered once for each statement (render_for), with that statement's dates in place of a query for them: an
    engine finds literal dates by their place, but reads everything to join a table of dates. A statement takes as many
    dates as records_per_statement allows, so that memory does not grow with the history.

    In the model:
      only_dates_to_build()     the dates that the statement builds
      only_dates_before()       the dates before them that the same statement builds as well
      stored_dates_before()     the dates before them as the table already stores them
      is_of_changed_customer()  with meta by_customer: the customers that the statement recomputes (history/changed_customers)
#}
{% materialization by_as_of_date, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if 'only_dates_to_build()' not in model.raw_code -%}
        {{ exceptions.raise_compiler_error(this.identifier ~ " is built by as-of date and must say only_dates_to_build()") }}
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
            this.identifier ~ " was built with other columns than its model gives: " ~ columns_of_model | join(", ")
            ~ ". " ~ build_all_of_history()
        ) }}
    {%- endif -%}

    {%- set changed_by_date = changed_customers_by_date(target_relation) -%}
    {%- do run_all(forget_dates(
        target_relation, 'as_of_date not in (select spine.as_of_date from ' ~ ref('as_of_dates') ~ ' as spine)'
    )) -%}
    {%- for date, is_changed in changed_by_date.items() -%}
        {%- set dated_sql = render_for({'dates': [date], 'is_changed': is_changed}) -%}
        {%- do run_all(forget_dates(target_relation, is_among_dates('as_of_date', [date]) ~ ' and ' ~ is_changed)) -%}
        {%- call statement('insert_changed_' ~ loop.index) -%} {{ insert_states(target_relation, columns, dated_sql) }} {%- endcall -%}
    {%- endfor -%}

    {%- for rows in dates_by_statement(other_than=changed_by_date.keys()) -%}
        {%- set dates = rows | map(attribute='as_of_date') | list -%}
        {%- set dates_before = rows | map(attribute='previous_as_of_date') | select | list -%}
        {%- set dated_sql = render_for({
            'dates': dates,
            'dates_before': dates_before | select('in', dates) | list,
            'stored_dates_before': dates_before | reject('in', dates) | list
        }) -%}
        {%- do run_all(forget_dates(target_relation, is_among_dates('as_of_date', dates))) -%}
        {%- call statement('insert_' ~ loop.index) -%} {{ insert_states(target_relation, columns, dated_sql) }} {%- endcall -%}
    {%- endfor -%}

    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# The SQL of the model for one statement: what the macros below say follows from the scope. #}
{% macro render_for(scope) -%}
    {%- do model.update({'scope': scope}) -%}
    {{ return(render(model.raw_code)) }}
{%- endmacro %}

{% macro only_dates_to_build() -%}
    {%- if 'scope' in model -%}
        where {{ is_among_dates('as_of_date', model.scope.dates) }}
    {%- else -%}
        where as_of_date in (select spine.as_of_date from {{ ref('as_of_dates') }} as spine where spine.needs_rebuild)
    {%- endif -%}
{%- endmacro %}

{% macro only_dates_before() -%}
    {%- if 'scope' in model -%}
        where {{ is_among_dates('as_of_date', model.scope.dates_before) }}
    {%- else -%}
        where as_of_date in (select spine.previous_as_of_date from {{ ref('as_of_dates') }} as spine where spine.needs_rebuild)
    {%- endif -%}
{%- endmacro %}

{# Outside of a build nothing is stored yet: no row of a relation that has the columns. #}
{% macro stored_dates_before(like) -%}
    {%- if 'scope' in model -%}
        {{ this }} where {{ is_among_dates('as_of_date', model.scope.stored_dates_before) }}
    {%- else -%}
        {{ like }} where 1 = 0
    {%- endif -%}
{%- endmacro %}

{# For a test: the as-of dates for which a flag of as_of_dates holds, as dates once they are known. #}
{% macro only_dates_where(flag) -%}
    {%- set spine = ref('as_of_dates') -%}
    {%- if execute and load_relation(spine) -%}
        where {{ is_among_dates('as_of_date', run_query('select as_of_date from ' ~ spine ~ ' where ' ~ flag).columns[0].values()) }}
    {%- else -%}
        where as_of_date in (select spine.as_of_date from {{ spine }} as spine where spine.{{ flag }})
    {%- endif -%}
{%- endmacro %}

{# Whether a column is one of some dates, given as text or as dates. #}
{% macro is_among_dates(column, dates) -%}
    {%- set dates = dates | list -%}
    {{ column ~ " in (date '" ~ dates | join("', date '") ~ "')" if dates else '1 = 0' }}
{%- endmacro %}

{# The as-of dates to build, without some, as lists of those that one statement builds: at least one each. #}
{% macro dates_by_statement(other_than=[]) %}
    {%- set ns = namespace(batches=[], records=0) -%}
    {%- for row in run_query(
        'select as_of_date, previous_as_of_date, record_count from ' ~ ref('as_of_dates') ~ ' where needs_rebuild order by as_of_date'
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

{% macro run_all(statements) %} {%- for one in statements -%} {%- do run_query(one) -%} {%- endfor -%} {% endmacro %}
