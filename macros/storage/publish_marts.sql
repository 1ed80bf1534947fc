{#
    Where marts are built, and where people read them. DuckDB's file is built beside and swapped whole (scripts/build).
    On a server marts are built in a schema of their own. At the end of a run that built every mart and in which nothing
    failed, the schema that people read gets their rows: on PostgreSQL in one transaction, so that no reader waits and grants
    stay; on Spark, which has no transactions, everything that takes long is done beside first.
#}

{# The schema in which the marts are built that people read in schema "marts". #}
{% macro schema_built_in(schema) -%} {{ return(adapter.dispatch('schema_built_in')(schema)) }} {%- endmacro %}
{% macro default__schema_built_in(schema) -%} {{ return('marts_built' if schema == 'marts' else schema) }} {%- endmacro %}
{% macro duckdb__schema_built_in(schema) -%} {{ return(schema) }} {%- endmacro %}

{# At the end of a run; results are what dbt reports of each node. #}
{% macro publish_marts(results) -%} {{ return(adapter.dispatch('publish_marts')(results)) }} {%- endmacro %}
{% macro duckdb__publish_marts(results) -%} {%- endmacro %}
{% macro default__publish_marts(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set marts, built, failed = [], [], [] -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.fqn[1] == 'marts' -%}
            {%- do marts.append({
                'node': node,
                'mart': adapter.get_relation(node.database, node.schema, node.alias),
                'published': adapter.get_relation(node.database, 'marts', node.alias)
            }) -%}
        {%- endfor -%}
        {%- for result in results -%}
            {%- set status = result.status | string -%}
            {%- if status in ('error', 'fail', 'runtime error', 'partial success') -%} {%- do failed.append(result.node.name) -%} {%- endif -%}
            {%- if status != 'skipped' -%} {%- do built.append(result.node.unique_id) -%} {%- endif -%}
        {%- endfor -%}
        {%- if failed -%}
            {%- do log("Schema marts is as it was, because this failed: " ~ failed | join(", "), info=True) -%}
        {%- elif marts | map(attribute='node') | map(attribute='unique_id') | reject('in', built) | list -%}
            {%- do log("Schema marts is as it was, because not every mart was built.", info=True) -%}
        {%- else -%}
            {%- do run_query('create schema if not exists marts') -%}
            {%- do create_dates_published() -%}
            {%- do publish_all(marts) -%}
            {%- do run_all(forget_dates(dates_published(), 'as_of_date is not null')) -%}
            {%- do run_query(
                'insert into ' ~ dates_published() ~ ' (as_of_date) select as_of_date from ' ~ built_relation('state_builds')
                ~ ' where as_of_date is not null'
            ) -%}
            {%- do adapter.commit() -%}
            {%- do log("Schema marts has what was built.", info=True) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#
    Publishes marts; each comes with its node, the relation that was built and the published one, if there is one yet. Of a
    mart that is a view of all states, only the as-of dates are exchanged that were built since; of any other, all rows.
#}
{% macro publish_all(marts) -%} {{ return(adapter.dispatch('publish_all')(marts)) }} {%- endmacro %}
{# dbt runs the end of a run outside of transactions and its driver begins none there; publish_marts commits #}
{% macro default__publish_all(marts) -%}
    {%- do log("Publishing to schema marts; if this fails, it stays as it was.", info=True) -%}
    {%- do run_query('begin') -%}
    {%- for pair in marts -%}
        {%- set node, mart, published = pair['node'], pair['mart'], pair['published'] -%}
        {%- set is_as_before = has_columns_of(published, mart) -%}
        {%- if not is_as_before -%}
            {%- if published -%} {%- do adapter.drop_relation(published) -%} {%- endif -%}
            {%- set published = mart.incorporate(path={'schema': 'marts'}, type='table') -%}
            {%- do run_query('create table ' ~ published ~ ' (like ' ~ mart ~ ' including indexes)') -%}
        {%- endif -%}
        {%- do run_query(alter_relation_comment(published, node.description)) -%}
        {%- do run_query(alter_column_comment(published, node.columns)) -%}
        {%- if is_as_before and mart.is_view -%}
            {%- do publish_dates(mart, published) -%}
        {%- else -%}
            {%- set names = adapter.get_columns_in_relation(mart) | map(attribute='name') | join(', ') -%}
            {%- do run_query('delete from ' ~ published) -%}
            {%- do run_query('insert into ' ~ published ~ ' (' ~ names ~ ') select ' ~ names ~ ' from ' ~ mart) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
{#
    All tables are written first and then take their names, one directly after the other. A statement that reads one of them in
    that moment may fail for a file that is gone; it works when it is sent again.
#}
{% macro spark__publish_all(marts) -%}
    {%- for left in tables_left_beside('marts') -%} {%- do adapter.drop_relation(left['table']) -%} {%- endfor -%}
    {%- set with_new_dates, to_rename = [], [] -%}
    {%- for pair in marts -%}
        {%- set mart, published = pair['mart'], pair['published'] -%}
        {%- if mart.is_view and has_columns_of(published, mart) -%}
            {%- do with_new_dates.append(pair) -%}
        {%- else -%}
            {%- set beside = table_beside(mart.incorporate(path={'schema': 'marts'}), 'new') -%}
            {%- do run_query(
                'create table ' ~ beside ~ ' using parquet ' ~ ('partitioned by (as_of_date) ' if mart.is_view else '')
                ~ "comment '" ~ pair['node'].description | replace("\\", "\\\\") | replace("'", "\\'") ~ "' as select * from " ~ mart
            ) -%}
            {%- do to_rename.append({'beside': beside, 'published': published, 'name': mart.identifier}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for pair in with_new_dates -%} {%- do publish_dates(pair['mart'], pair['published']) -%} {%- endfor -%}
    {%- for made in to_rename -%}
        {%- if made['published'] -%} {%- do adapter.drop_relation(made['published']) -%} {%- endif -%}
        {%- do run_query('alter table ' ~ made['beside'] ~ ' rename to marts.' ~ made['name']) -%}
    {%- endfor -%}
{%- endmacro %}

{# Whether a relation is a table with the columns of another, by name and type; false where there is none. #}
{% macro has_columns_of(relation, other) -%}
    {%- if not relation or not relation.is_table -%} {{ return(false) }} {%- endif -%}
    {%- set columns = [] -%}
    {%- for one in [relation, other] -%}
        {%- set named = [] -%}
        {%- for column in adapter.get_columns_in_relation(one) -%} {%- do named.append(column.name ~ ' ' ~ column.data_type) -%} {%- endfor -%}
        {%- do columns.append(named | sort) -%}
    {%- endfor -%}
    {{ return(columns[0] == columns[1]) }}
{%- endmacro %}

{# Exchanges the as-of dates of a mart that were built since they were published, and removes those that are none any more. #}
{% macro publish_dates(mart, published) -%}
    {%- set is_published = 'as_of_date in (select dates.as_of_date from ' ~ dates_published() ~ ' as dates)' -%}
    {%- do run_all(forget_dates(
        published,
        'not ' ~ is_published ~ ' or as_of_date not in (select builds.as_of_date from ' ~ built_relation('state_builds')
        ~ ' as builds where builds.as_of_date is not null)'
    )) -%}
    {%- do run_query(insert_states(
        published, adapter.get_columns_in_relation(published) | map(attribute='name') | list,
        'select * from ' ~ mart ~ ' where not ' ~ is_published
    )) -%}
{%- endmacro %}

{# The table of the as-of dates that are published as they were last built. #}
{% macro dates_published() -%} history.as_of_dates_published {%- endmacro %}

{% macro create_dates_published() -%} {{ return(adapter.dispatch('create_dates_published')()) }} {%- endmacro %}
{% macro default__create_dates_published() -%}
    {%- do run_query('create table if not exists ' ~ dates_published() ~ ' (as_of_date date primary key)') -%}
{%- endmacro %}
{# a date can only leave as a partition, and a table must have a column besides #}
{% macro spark__create_dates_published() -%}
    {%- do run_query(
        'create table if not exists ' ~ dates_published() ~ ' (note string, as_of_date date) using parquet partitioned by (as_of_date)'
    ) -%}
{%- endmacro %}

{# Statements that take the mark "published" from as-of dates that will be built again; condition as in forget_dates. #}
{% macro unpublish_dates(condition) -%} {{ return(adapter.dispatch('unpublish_dates')(condition)) }} {%- endmacro %}
{% macro duckdb__unpublish_dates(condition) -%} {{ return([]) }} {%- endmacro %}
{% macro default__unpublish_dates(condition) -%}
    {%- set schema, name = dates_published().split('.') -%}
    {{ return(forget_dates(dates_published(), condition) if adapter.get_relation(this.database, schema, name) else []) }}
{%- endmacro %}
