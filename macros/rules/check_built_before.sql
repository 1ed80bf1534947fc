{# Before an incremental run: what is built holds the columns that the run reads of it. Tables grow by a column only after that. #}
{% macro check_built_before() %}
    {%- if execute and flags.WHICH in ('build', 'run') and not flags.FULL_REFRESH -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized != 'view' -%}
            {%- set read = ['raw_key', 'last_changed_at'] | select('in', node.columns) | list -%}
            {%- set built = adapter.get_relation(node.database, node.schema, node.alias) if read else none -%}
            {%- set columns = adapter.get_columns_in_relation(built) | map(attribute='name') | list if built else [] -%}
            {%- for missing in read | reject('in', columns) if columns -%}
                {{ exceptions.raise_compiler_error(
                    "Nothing was built. " ~ node.schema ~ "." ~ node.alias ~ " was built by an earlier version of this project, "
                    ~ "without the column " ~ missing ~ ", by which a run finds what has arrived. Build with --full-refresh."
                ) }}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
