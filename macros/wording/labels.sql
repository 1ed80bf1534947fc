{# The codes of one column and their labels (seed labels). #}
{% macro labels_of(column_name) -%}
    (select code, sort_order, label_en, label_zh from {{ ref('labels') }} where column_name = '{{ column_name }}')
{%- endmacro %}

{# The sort key and the labels of code columns, whose label_joins stand in the same query. #}
{% macro label_columns(column_names) -%}
    {%- for name in column_names %}
        {{ name }}_labels.sort_order as {{ name }}_sort,
        {{ name }}_labels.label_en as {{ name }}_en,
        {{ name }}_labels.label_zh as {{ name }}_zh{{ "," if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro label_joins(column_names, relation) -%}
    {%- for name in column_names %}
    left join {{ labels_of(name) }} as {{ name }}_labels on {{ relation }}.{{ name }} = {{ name }}_labels.code
    {%- endfor -%}
{%- endmacro %}
