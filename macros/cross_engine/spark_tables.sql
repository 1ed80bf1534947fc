{#
    Tables on Spark, whose Parquet files know neither transactions nor deletes: a table is made beside the old one and takes
    its name at the end, and a table that grows is replaced month by month.
#}


{% materialization table, adapter='spark', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- do make_beside_and_rename(target_relation, sql, config.get('meta', {}).get('partitioned_by')) -%}
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
        {%- set new_rows = this.incorporate(path={'identifier': this.identifier ~ '__new_rows'}, type='table') -%}
        {%- do run_query('drop table if exists ' ~ new_rows) -%}
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
            {%- call statement('replace_months') -%}
                insert overwrite table {{ target_relation }} partition (partition_month)
                {{ new_and_kept }}
                where {{ is_in_partitions('old.partition_month', months) }}
            {%- endcall -%}
        {%- endif -%}
        {%- do run_query('drop table ' ~ new_rows) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{% macro make_beside_and_rename(relation, sql, partition_column=none) %}
    {%- set beside = relation.incorporate(path={'identifier': relation.identifier ~ '__new'}) -%}
    {%- if config.get('contract').enforced -%}
        {%- do get_assert_columns_equivalent(sql) -%}
    {%- endif -%}
    {%- do run_query('drop table if exists ' ~ beside) -%}
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


{# Whether a partition column is one of some dates as text; none stands for the partition of rows without a date. #}
{% macro is_in_partitions(column, dates) -%}
    {%- set known = dates | select | list -%}
    (
        {{ column ~ " in (date '" ~ known | join("', date '") ~ "')" if known else 'false' }}
        {{ 'or ' ~ column ~ ' is null' if known | length < dates | length }}
    )
{%- endmacro %}
