{#
    Tables on Spark, whose Parquet files know neither transactions nor deletes: a table is made beside the old one and takes
    its name at the end, and a table that grows is replaced month by month, of which each is written beside first as well. So
    a server that ends while one takes the place of another leaves the new one whole, and the next run puts it there.
#}


{% materialization table, adapter='spark', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- do make_beside_and_rename(target_relation, sql, config.get('meta', {}).get('partition_column')) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{#
    Of a table that grows, the months in which a row of the same unique key stands, and those of the new rows, are written
    again: their other rows as they are, and the new ones. Both have the same months, as nothing leaves raw: the new rows
    hold every version of their keys, each on the day that it names.
    The months are those of the column that the model's meta calls dated_by, or of activity_date. Where no column keeps its
    month (dated_by: none), the table is not partitioned and is written again whole, as a month that its last row leaves
    would otherwise stay.
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
        {%- do make_beside_and_rename(target_relation, dated_sql, 'partition_month' if dated_by else none) -%}
    {%- else -%}
        {%- set new_rows = table_beside(target_relation, 'new_rows') -%}
        {%- call statement('main') -%}
            create table {{ new_rows }} using parquet as {{ dated_sql }}
        {%- endcall -%}
        {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list -%}
        {%- set new_and_kept -%}
            select {{ columns | join(', ') }} from {{ new_rows }}
            union all
            select {{ columns | join(', ') }} from {{ target_relation }} as old
            left anti join {{ new_rows }} as new on {{ same_key }}
        {%- endset -%}
        {%- set months = run_query(
            'select cast(partition_month as string) from ('
            ~ 'select partition_month from ' ~ new_rows ~ ' union all '
            ~ 'select old.partition_month from ' ~ target_relation ~ ' as old left semi join ' ~ new_rows ~ ' as new on '
            ~ same_key ~ ') as touched group by partition_month'
        ).columns[0].values() if dated_by else [] -%}
        {%- if not dated_by -%}
            {%- do make_beside_and_rename(target_relation, new_and_kept) -%}
        {%- elif months -%}
            {%- set made = table_beside(target_relation, 'months') -%}
            {%- do run_query(
                'create table ' ~ made ~ ' using parquet as ' ~ new_and_kept
                ~ ' where ' ~ is_in_partitions('old.partition_month', months)
            ) -%}
            {%- do replace_months(target_relation, made) -%}
        {%- endif -%}
        {%- do run_query('drop table ' ~ new_rows) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{% macro make_beside_and_rename(relation, sql, partition_column=none) %}
    {%- set beside = table_beside(relation, 'new') -%}
    {%- if config.get('contract').enforced -%}
        {%- do get_assert_columns_equivalent(sql) -%}
    {%- endif -%}
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


{# The months that stand in a table made beside take the place of those of a table. #}
{% macro replace_months(relation, made) %}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | join(', ') -%}
    {%- do run_query(
        'insert overwrite table ' ~ relation ~ ' partition (partition_month) select ' ~ columns ~ ' from ' ~ made
    ) -%}
    {%- do adapter.drop_relation(made) -%}
{% endmacro %}


{#
    A table beside another one, for what it is about to hold (new, months) or is made from (new_rows). As dbt's own
    temporary tables it is named by the time: a server that ends while it writes a table leaves a folder, and no table can
    have that name then.
#}
{% macro table_beside(relation, what) -%}
    {%- set name = relation.identifier ~ '__' ~ what ~ '_' ~ py_current_timestring() -%}
    {{ return(relation.incorporate(path={'identifier': name}, type='table')) }}
{%- endmacro %}

{# The tables in a schema that an earlier run left beside others: each with what it was made for, and whose. #}
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


{#
    Before a run: what an earlier one had made, and did not come to put in its place. A table made beside is in the catalogue
    only when it is whole.
#}
{% macro finish_what_broke_off() -%}
    {{ return(adapter.dispatch('finish_what_broke_off')()) }}
{%- endmacro %}

{% macro default__finish_what_broke_off() -%} {%- endmacro %}

{% macro spark__finish_what_broke_off() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') -%}
        {%- for schema in models | map(attribute='schema') | unique -%}
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
    {%- endif -%}
{%- endmacro %}


{# Whether a partition column is one of some dates as text; none stands for the partition of rows without a date. #}
{% macro is_in_partitions(column, dates) -%}
    {%- set known = dates | select | list -%}
    (
        {{ column ~ " in (date '" ~ known | join("', date '") ~ "')" if known else 'false' }}
        {{ 'or ' ~ column ~ ' is null' if known | length < dates | length }}
    )
{%- endmacro %}
