{#
    Tables on Spark, whose Parquet files know neither transactions nor deletes. A table is written beside the old one and takes
    its name at the end. A table that grows is replaced month by month, and each month is written beside first as well. A
    server that ends while one takes the place of another leaves the new one whole; the next run puts it there.
#}
{% materialization table, adapter='spark', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- do write_beside_and_rename(target_relation, sql, config.get('meta', {}).get('partition_column')) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#
    An incremental run writes the months again in which a row of the same unique key stands, and those of the new rows: their
    other rows as they are, and the new ones. Nothing leaves raw, so new rows hold every version of their keys and both have
    the same months. meta dated_by names the column of the month (activity_date without it). Where no column keeps its month
    (dated_by: none), the whole table is written again, as a month that loses its last row would otherwise stay.
#}
{% materialization incremental, adapter='spark', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set unique_key = config.require('unique_key') -%}
    {%- set same_key = [] -%}
    {%- for column in ([unique_key] if unique_key is string else unique_key) -%}
        {%- do same_key.append('old.' ~ column ~ ' = new.' ~ column) -%}
    {%- endfor -%}
    {%- set same_key = same_key | join(' and ') -%}
    {%- set dated_by = config.get('meta', {}).get('dated_by', 'activity_date') -%}
    {%- set month = "trunc(" ~ dated_by ~ ", 'month')" -%}
    {%- set dated_sql = "select *, " ~ month ~ " as partition_month from (" ~ sql ~ ") as dated" if dated_by else sql -%}

    {{ run_hooks(pre_hooks) }}
    {%- if existing is none or existing.is_view or should_full_refresh() -%}
        {%- do write_beside_and_rename(target_relation, dated_sql, 'partition_month' if dated_by else none) -%}
    {%- else -%}
        {%- set new_rows = table_beside(target_relation, 'new_rows') -%}
        {%- call statement('main') -%} create table {{ new_rows }} using parquet as {{ dated_sql }} {%- endcall -%}
        {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | join(', ') -%}
        {%- set new_and_kept =
            'select ' ~ columns ~ ' from ' ~ new_rows ~ ' union all select ' ~ columns ~ ' from ' ~ target_relation
            ~ ' as old left anti join ' ~ new_rows ~ ' as new on ' ~ same_key -%}
        {%- if not dated_by -%}
            {%- do write_beside_and_rename(target_relation, new_and_kept) -%}
        {%- else -%}
            {%- set months = run_query(
                'select cast(partition_month as string) from (select partition_month from ' ~ new_rows
                ~ ' union all select old.partition_month from ' ~ target_relation ~ ' as old left semi join ' ~ new_rows
                ~ ' as new on ' ~ same_key ~ ') as affected group by partition_month'
            ).columns[0].values() -%}
            {%- if months -%}
                {%- set written = table_beside(target_relation, 'months') -%}
                {%- do run_query(
                    'create table ' ~ written ~ ' using parquet as select * from (' ~ new_and_kept ~ ') as affected where '
                    ~ is_in_partitions('partition_month', months)
                ) -%}
                {%- do replace_months(target_relation, written) -%}
            {%- endif -%}
        {%- endif -%}
        {%- do run_query('drop table ' ~ new_rows) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro write_beside_and_rename(relation, sql, partition_column=none) %}
    {%- set beside = table_beside(relation, 'new') -%}
    {%- if config.get('contract').enforced -%} {%- do get_assert_columns_equivalent(sql) -%} {%- endif -%}
    {%- call statement('main') -%}
        create table {{ beside }} using parquet
        {{ "partitioned by (" ~ partition_column ~ ")" if partition_column }}
        {{ comment_clause() }}
        as {{ "select /*+ repartition(" ~ partition_column ~ ") */ * from (" ~ sql ~ ") as made" if partition_column else sql }}
    {%- endcall -%}
    {%- set old = load_cached_relation(relation) -%}
    {%- if old -%} {%- do adapter.drop_relation(old) -%} {%- endif -%}
    {%- do run_query('alter table ' ~ beside ~ ' rename to ' ~ relation) -%}
{% endmacro %}

{# The months that stand in a table beside take the place of those of a table. #}
{% macro replace_months(relation, beside) %}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | join(', ') -%}
    {%- do run_query('insert overwrite table ' ~ relation ~ ' partition (partition_month) select ' ~ columns ~ ' from ' ~ beside) -%}
    {%- do adapter.drop_relation(beside) -%}
{% endmacro %}

{#
    A table beside another one, for what it will hold (new, months) or is made from (new_rows). Its name holds the time, as
    those of dbt's temporary tables do: a server that ends while it writes a table leaves a folder that blocks the name.
#}
{% macro table_beside(relation, what) -%}
    {%- set name = relation.identifier ~ '__' ~ what ~ '_' ~ py_current_timestring() -%}
    {{ return(relation.incorporate(path={'identifier': name}, type='table')) }}
{%- endmacro %}

{# The tables in a schema that an earlier run left beside others: each with what it was made for, and whose it is. #}
{% macro tables_left_beside(schema) -%}
    {%- set left = [] -%}
    {%- for name in run_query("show tables in " ~ schema ~ " like '*__*'").columns[1].values() -%}
        {%- set parts = modules.re.match('(.+)__(new|months|new_rows)_[0-9]{20}$', name) -%}
        {%- if parts -%}
            {%- do left.append({
                'made_for': parts.group(2),
                'table': api.Relation.create(schema=schema, identifier=name, type='table'),
                'owner': api.Relation.create(schema=schema, identifier=parts.group(1), type='table')
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(left) }}
{%- endmacro %}

{# Before a run: puts in its place what an earlier run had written whole and not come to put there. #}
{% macro finish_what_broke_off() -%} {{ return(adapter.dispatch('finish_what_broke_off')()) }} {%- endmacro %}
{% macro default__finish_what_broke_off() -%} {%- endmacro %}
{% macro spark__finish_what_broke_off() -%}
    {%- set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') if execute else [] -%}
    {%- for schema in models | map(attribute='schema') | unique if flags.WHICH in ('build', 'run') -%}
        {%- for left in tables_left_beside(schema) -%}
            {%- set table, owner = left['table'], left['owner'] -%}
            {%- set is_there = load_cached_relation(owner) is not none -%}
            {%- if left['made_for'] == 'new' and not is_there -%}
                {%- do log('An earlier run ended before ' ~ owner ~ ' took its name; it does now.', info=True) -%}
                {%- do adapter.rename_relation(table, owner) -%}
            {%- elif left['made_for'] == 'months' and is_there -%}
                {%- do log('An earlier run ended before all months of ' ~ owner ~ ' were in place; now they are.', info=True) -%}
                {%- do replace_months(owner, table) -%}
            {%- else -%}
                {%- do adapter.drop_relation(table) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{# Whether a partition column is one of some dates as text; none stands for the partition of rows without a date. #}
{% macro is_in_partitions(column, dates) -%}
    ({{ is_among_dates(column, dates | select) }}{{ ' or ' ~ column ~ ' is null' if none in dates }})
{%- endmacro %}
