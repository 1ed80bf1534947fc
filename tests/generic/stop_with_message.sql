{#
    For a test that must stop the build and say why: runs a query whose rows hold one sentence each and raises them as one
    error, so that the sentence, and not only a count, stands on the terminal.
#}
{% macro stop_with_message(sentences_query) -%}
    {%- if execute and flags.WHICH in ('build', 'test') -%}
        {%- set sentences = run_query(sentences_query).columns[0].values() -%}
        {%- if sentences -%} {{ exceptions.raise_compiler_error(sentences | join(" ")) }} {%- endif -%}
    {%- endif -%}
    select 1 as failure where 1 = 0
{%- endmacro %}
