{# Before an incremental run: what is built holds the columns that the run reads of it. Tables grow by a column only after that. #}
{% macro check_built_before() %}
    {%- if execute and flags.WHICH in ('build', 'run') and not flags.FULL_REFRESH -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and 'raw_key' in node.columns -%}
            {%- set built = adapter.get_relation(node.database, node.schema, node.alias) -%}
            {%- set columns = adapter.get_columns_in_relation(built) | map(attribute='name') | list if built else [] -%}
            {%- if columns and 'raw_key' not in columns -%}
                {{ exceptions.raise_compiler_error(
                    "Nothing was built. " ~ node.schema ~ "." ~ node.alias ~ " was built before staging kept how a source spells "
                    ~ "a key (raw_key). Build with --full-refresh, so that older versions of a row are found."
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
