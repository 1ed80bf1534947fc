{# How each engine makes and changes a table of states date by date (by_as_of_date). #}

{# An empty table with the columns of a query. #}
{% macro create_empty_by_date(relation, sql) -%} {{ return(adapter.dispatch('create_empty_by_date')(relation, sql)) }} {%- endmacro %}
{% macro default__create_empty_by_date(relation, sql) -%}
    {{ create_table_as(false, relation, 'select * from (' ~ sql ~ ') as states where 1 = 0') }}
{%- endmacro %}
{% macro spark__create_empty_by_date(relation, sql) -%}
    create table {{ relation }} using parquet partitioned by (as_of_date) as select * from ({{ sql }}) as states where 1 = 0
{%- endmacro %}

{# Statements that take some dates out of a table; condition says which, of a row's as_of_date. #}
{% macro forget_dates(relation, condition) -%} {{ return(adapter.dispatch('forget_dates')(relation, condition)) }} {%- endmacro %}
{% macro default__forget_dates(relation, condition) -%} {{ return(['delete from ' ~ relation ~ ' where ' ~ condition]) }} {%- endmacro %}
{% macro spark__forget_dates(relation, condition) -%}
    {%- set statements = [] -%}
    {%- for date in run_query(
        'select cast(as_of_date as string) from ' ~ relation ~ ' where ' ~ condition ~ ' group by as_of_date'
    ).columns[0].values() -%}
        {%- do statements.append('alter table ' ~ relation ~ " drop if exists partition (as_of_date = date '" ~ date ~ "')") -%}
    {%- endfor -%}
    {{ return(statements) }}
{%- endmacro %}

{# Puts the states of dates that are not in the table there, from a query. #}
{% macro insert_states(relation, columns, sql) -%} {{ return(adapter.dispatch('insert_states')(relation, columns, sql)) }} {%- endmacro %}
{% macro default__insert_states(relation, columns, sql) -%}
    insert into {{ relation }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }} from ({{ sql }}) as states
{%- endmacro %}
{# overwriting removes files that a broken-off statement left in the folder of a date #}
{% macro spark__insert_states(relation, columns, sql) -%}
    insert overwrite table {{ relation }} partition (as_of_date)
    select {{ columns | join(', ') }} from ({{ sql }}) as states
{%- endmacro %}

{# Whether single rows can leave a table. #}
{% macro can_delete_rows() -%} {{ return(adapter.dispatch('can_delete_rows')()) }} {%- endmacro %}
{% macro default__can_delete_rows() -%} {{ return(true) }} {%- endmacro %}
{% macro spark__can_delete_rows() -%} {{ return(false) }} {%- endmacro %}

{#
    Lets the engine count what this transaction has written, before a statement that looks up many rows of it. PostgreSQL
    expects next to no rows of a date that it has not counted, and then reads the whole other table for each row.
#}
{% macro count_written(relation) -%} {{ return(adapter.dispatch('count_written')(relation)) }} {%- endmacro %}
{% macro default__count_written(relation) -%} {%- endmacro %}
{% macro postgres__count_written(relation) -%} {%- do run_query('analyze ' ~ relation) -%} {%- endmacro %}
