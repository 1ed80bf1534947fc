{# Before anything runs: the server is set in such a way that the answers come out right. #}
{% macro check_engine() -%}
    {{ return(adapter.dispatch('check_engine')()) }}
{%- endmacro %}

{% macro default__check_engine() -%} {%- endmacro %}

{#
    A session cannot set these for itself, as the Thrift server passes over what a client asks for. Another time zone would
    move purchases into other days, and with static overwriting one touched month would replace a whole table.

    Where its folder cannot be written Spark drops a table all the same, leaves the files, and then takes no table of that
    name any more. So a table is made first whose name, which the error holds, says what must be.
#}
{% macro spark__check_engine() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test') -%}
        {%- for setting, wanted in [
            ('spark.sql.session.timeZone', 'UTC'),
            ('spark.sql.sources.partitionOverwriteMode', 'dynamic')
        ] -%}
            {%- set found = run_query('set ' ~ setting).columns[1].values()[0] -%}
            {%- if found | lower != wanted | lower -%}
                {{ exceptions.raise_compiler_error(
                    "Nothing was built. The Spark Thrift server has " ~ setting ~ " = " ~ found ~ "; start it with --conf "
                    ~ setting ~ "=" ~ wanted ~ "."
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed') -%}
        {%- set written = target.schema ~ '.spark_must_be_able_to_write_here' -%}
        {%- do run_query('drop table if exists ' ~ written) -%}
        {%- do run_query('create table ' ~ written ~ ' using parquet as select 1 as written') -%}
        {%- do run_query('drop table ' ~ written) -%}
    {%- endif -%}
{%- endmacro %}
