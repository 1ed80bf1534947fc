{# Before anything runs: the server has the settings without which answers are wrong. #}
{% macro check_engine() -%} {{ return(adapter.dispatch('check_engine')()) }} {%- endmacro %}
{% macro default__check_engine() -%} {%- endmacro %}
{#
    A session cannot set these itself: the Thrift server passes over what a client asks for. Another time zone moves purchases
    into other days; with static overwriting one affected month replaces a whole table.
    Where Spark cannot write its folder, it drops a table all the same, leaves the files, and then takes no table of that name
    any more. So a table is made first whose name, which the error holds, says what must be.
#}
{% macro spark__check_engine() -%}
    {%- set wanted = {'spark.sql.session.timeZone': 'UTC', 'spark.sql.sources.partitionOverwriteMode': 'dynamic'} -%}
    {%- for setting, value in wanted.items() if execute and flags.WHICH in ('build', 'run', 'test') -%}
        {%- set found = run_query('set ' ~ setting).columns[1].values()[0] -%}
        {%- if found | lower != value | lower -%}
            {{ exceptions.raise_compiler_error(
                "Nothing was built. The Spark Thrift server has " ~ setting ~ " = " ~ found ~ "; start it with --conf "
                ~ setting ~ "=" ~ value ~ "."
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed') -%}
        {%- set probe = target.schema ~ '.spark_must_be_able_to_write_here' -%}
        {%- do run_query('drop table if exists ' ~ probe) -%}
        {%- do run_query('create table ' ~ probe ~ ' using parquet as select 1 as written') -%}
        {%- do run_query('drop table ' ~ probe) -%}
    {%- endif -%}
{%- endmacro %}
