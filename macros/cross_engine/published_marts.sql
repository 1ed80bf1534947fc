{#
    Where marts are built, and where people read them. DuckDB's file is built beside and swapped whole (scripts/build.py).
    On PostgreSQL marts are built in a schema of their own, and the schema that people read is brought to them at the end
    of a run that built every mart and in which nothing failed: in one transaction, by changing rows, so that no reader
    waits and grants stay.
#}

{# The schema in which the marts are built that people read in schema "marts". #}
{% macro schema_built_in(schema) -%}
    {{ return(adapter.dispatch('schema_built_in')(schema)) }}
{%- endmacro %}

{% macro default__schema_built_in(schema) -%} {{ return(schema) }} {%- endmacro %}

{% macro postgres__schema_built_in(schema) -%} {{ return('marts_built' if schema == 'marts' else schema) }} {%- endmacro %}


{# At the end of a run; results are what dbt tells of each node. #}
{% macro publish_marts(results) -%}
    {{ return(adapter.dispatch('publish_marts')(results)) }}
{%- endmacro %}

{% macro default__publish_marts(results) -%} {%- endmacro %}

{% macro postgres__publish_marts(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set marts = [] -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.fqn[1] == 'marts' -%}
            {%- do marts.append(node) -%}
        {%- endfor -%}
        {%- set built = [] -%}
        {%- set failed = [] -%}
        {%- for result in results -%}
            {%- if result.status | string in ('error', 'fail', 'skipped', 'runtime error', 'partial success') -%}
                {%- do failed.append(result.node.name) -%}
            {%- endif -%}
            {%- do built.append(result.node.unique_id) -%}
        {%- endfor -%}
        {%- if failed -%}
            {%- do log("What people read in schema marts is as it was, as this failed: " ~ failed | join(", "), info=True) -%}
        {%- elif marts | map(attribute='unique_id') | reject('in', built) | list -%}
            {%- do log("What people read in schema marts is as it was, as not every mart was built.", info=True) -%}
        {%- else -%}
            {%- do run_query('create schema if not exists marts') -%}
            {%- do run_query('create table if not exists ' ~ dates_published() ~ ' (as_of_date date primary key)') -%}
            {%- for node in marts -%} {%- do publish_mart(node) -%} {%- endfor -%}
            {%- do run_query('delete from ' ~ dates_published()) -%}
            {%- do run_query(
                'insert into ' ~ dates_published() ~ ' select as_of_date from ' ~ ledger_relation()
                ~ ' where as_of_date is not null'
            ) -%}
            {%- do adapter.commit() -%}
            {%- do log("What people read in schema marts is what was built.", info=True) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#
    The rows of a mart to where people read it. Of a mart that is a view of all states, the as-of dates that were built
    since they were last published, and those that are none any more; of any other, all rows.
#}
{% macro publish_mart(node) %}
    {%- set mart = adapter.get_relation(node.database, node.schema, node.alias) -%}
    {%- set published = adapter.get_relation(node.database, 'marts', node.alias) -%}
    {%- set columns = adapter.get_columns_in_relation(mart) -%}
    {%- set names = columns | map(attribute='name') | join(', ') -%}
    {%- set as_before = published and published.is_table
        and adapter.get_columns_in_relation(published) | map(attribute='data_type') | list
            == columns | map(attribute='data_type') | list
        and adapter.get_columns_in_relation(published) | map(attribute='name') | list
            == columns | map(attribute='name') | list -%}
    {%- if not as_before -%}
        {%- if published -%} {%- do adapter.drop_relation(published) -%} {%- endif -%}
        {%- set published = mart.incorporate(path={'schema': 'marts'}, type='table') -%}
        {%- do run_query('create table ' ~ published ~ ' (like ' ~ mart ~ ')') -%}
    {%- endif -%}
    {%- do run_query(alter_relation_comment(published, node.description)) -%}
    {%- do run_query(alter_column_comment(published, node.columns)) -%}
    {%- if as_before and mart.is_view -%}
        {%- do run_query(
            'delete from ' ~ published ~ ' where as_of_date not in (select as_of_date from ' ~ dates_published() ~ ')'
            ~ ' or as_of_date not in (select as_of_date from ' ~ ledger_relation() ~ ' where as_of_date is not null)'
        ) -%}
        {%- do run_query(
            'insert into ' ~ published ~ ' (' ~ names ~ ') select ' ~ names ~ ' from ' ~ mart
            ~ ' where as_of_date not in (select as_of_date from ' ~ dates_published() ~ ')'
        ) -%}
    {%- else -%}
        {%- do run_query('delete from ' ~ published) -%}
        {%- do run_query('insert into ' ~ published ~ ' (' ~ names ~ ') select ' ~ names ~ ' from ' ~ mart) -%}
    {%- endif -%}
{% endmacro %}


{# The table of the as-of dates that people read as they were last built. #}
{% macro dates_published() -%} states.as_of_dates_published {%- endmacro %}


{# Statements by which as-of dates that will be built again are not held for published; condition as in forget_dates. #}
{% macro unpublish_dates(condition) -%}
    {{ return(adapter.dispatch('unpublish_dates')(condition)) }}
{%- endmacro %}

{% macro default__unpublish_dates(condition) -%} {{ return([]) }} {%- endmacro %}

{% macro postgres__unpublish_dates(condition) -%}
    {%- set is_there = run_query("select to_regclass('" ~ dates_published() ~ "')").columns[0].values()[0] -%}
    {{ return(['delete from ' ~ dates_published() ~ ' where ' ~ condition] if is_there else []) }}
{%- endmacro %}
