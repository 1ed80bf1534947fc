{# Before anything runs: the server is set in such a way that the answers come out right. #}
{% macro check_engine() -%}
    {{ return(adapter.dispatch('check_engine')()) }}
{%- endmacro %}

{% macro default__check_engine() -%} {%- endmacro %}

{#
    A session cannot set these for itself, as the Thrift server passes over what a client asks for. Another time zone would
    move purchases into other days, and with static overwriting one touched month would replace a whole table.
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
{%- endmacro %}
