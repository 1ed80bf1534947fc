{#
    Protects new raw tables: int_records_unioned reads the staging model of every table of the input contract.
    Rows of a table that is missing there would be staged, and then neither reconciled nor reported, and late rows of it would
    rebuild no state.
#}
{%- set union = graph.nodes.values() | selectattr('name', 'equalto', 'int_records_unioned') | first if execute else {} -%}
{%- set read = union.depends_on.nodes if union else [] -%}
{%- set sentences = [] -%}
{%- for table in raw_tables() if 'model.' ~ project_name ~ '.stg_' ~ table.name not in read -%}
    {%- do sentences.append(
        "int_records_unioned does not read stg_" ~ table.name ~ ", so rows of raw." ~ table.name ~ " would not be accounted for. "
        ~ "Add it to the union."
    ) -%}
{%- endfor -%}

{%- set query = "select '" ~ sentences | join("' as sentence union all select '") ~ "' as sentence" -%}
{{ stop_with_message(query if sentences else "select null as sentence where 1 = 0") }}
