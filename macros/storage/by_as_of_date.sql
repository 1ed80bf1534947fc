{#
    Materialisation of the tables of states: replaced as-of date by as-of date, a statement for as many dates as
    records_per_statement allows, so that memory does not grow with the history. Only the dates that this run must build
    are touched, and those that are no longer as-of dates, such as yesterday's, leave. All of it is one transaction where
    the engine has such a thing.

    The model says what it takes of each relation with as-of dates: only_dates_to_build(), only_dates_before() or
    stored_dates_before(). One that measures daily facts says is_of_changed_customer() of them, and has only the customers
    replaced whose row can have changed.
#}
{% materialization by_as_of_date, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if only_dates_to_build() not in sql -%}
        {{ exceptions.raise_compiler_error(this.identifier ~ " is built by as-of date and must say only_dates_to_build()") }}
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
    {%- endif -%}

    {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list -%}
    {%- set columns_of_model = get_columns_in_query(sql) -%}
    {%- if columns | sort != columns_of_model | sort -%}
        {{ exceptions.raise_compiler_error(
            this.identifier ~ " was built with other columns than its model gives: " ~ columns_of_model | join(", ")
            ~ ". Build with --full-refresh, so that all of history is told in one way."
        ) }}
    {%- endif -%}

    {%- set changed = changed_customers_by_date(target_relation, sql) -%}
    {%- do run_all(forget_dates(
        target_relation, 'as_of_date not in (select spine.as_of_date from ' ~ ref('as_of_dates') ~ ' as spine)'
    )) -%}
    {%- for date, is_changed in changed.items() -%}
        {%- set dated_sql = sql | replace(only_dates_to_build(), dates_filter([date])) | replace(is_of_changed_customer(), is_changed) -%}
        {%- do run_all(forget_dates(target_relation, is_among_dates('as_of_date', [date]) ~ ' and ' ~ is_changed)) -%}
        {%- call statement('insert_changed_' ~ loop.index) -%} {{ insert_states(target_relation, columns, dated_sql) }} {%- endcall -%}
    {%- endfor -%}

    {%- for rows in dates_by_statement(other_than=changed.keys()) -%}
        {%- set dates = rows | map(attribute='as_of_date') | list -%}
        {%- set dates_before = rows | map(attribute='previous_as_of_date') | select | list -%}
        {%- set these_dates = dates_filter(dates) -%}
        {%- set built_along = dates_filter(dates_before | select('in', dates)) -%}
        {%- set dated_sql = sql | replace(only_dates_before(), built_along) | replace(only_dates_to_build(), these_dates) -%}
        {%- if 'stored_dates_before()' in model.raw_code -%}
            {%- set told = '(select * from ' ~ target_relation ~ ' ' ~ dates_filter(dates_before | reject('in', dates)) ~ ')' -%}
            {%- set dated_sql = dated_sql | replace(stored_dates_before(), told) -%}
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


{% macro run_all(statements) %}
    {%- for one in statements -%} {%- do run_query(one) -%} {%- endfor -%}
{% endmacro %}


{#
    Of a table or view with as-of dates: those that an arrival, or the calendar, has outdated. A table built by as-of
    date puts the dates themselves here, as engines find a date at its place, and the dates of a query by reading all.
#}
{% macro only_dates_to_build() -%}
    where as_of_date in (select spine.as_of_date from {{ ref('as_of_dates') }} as spine where spine.needs_rebuild)
{%- endmacro %}

{# Of a table or view with as-of dates: each date before an outdated one, where the same statement builds both. #}
{% macro only_dates_before() -%}
    where as_of_date in (select spine.previous_as_of_date from {{ ref('as_of_dates') }} as spine where spine.needs_rebuild)
{%- endmacro %}

{#
    Where only_dates_before() does not reach: the states of the date before as the table itself holds them, so that an
    open date is compared with what a frozen one told. A table of compared states puts itself here; elsewhere it is empty.
#}
{% macro stored_dates_before() -%}
    (select * from {{ ref('int_lifecycle_stages') }} where 1 = 0)
{%- endmacro %}

{# For a test: the as-of dates for which a flag of as_of_dates (is_current, needs_rebuild) holds, as dates once they are known. #}
{% macro only_dates_where(flag) -%}
    {%- set spine = ref('as_of_dates') -%}
    {%- if execute and load_relation(spine) -%}
        {{ dates_filter(run_query('select as_of_date from ' ~ spine ~ ' where ' ~ flag).columns[0].values()) }}
    {%- else -%}
        where as_of_date in (select spine.as_of_date from {{ spine }} as spine where spine.{{ flag }})
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
