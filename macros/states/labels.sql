{# The codes of one column of the states and their labels. #}
{% macro labels_of(state_column) -%}
    (select code, sort_order, label_en, label_zh from {{ ref('state_labels') }} where state_column = '{{ state_column }}')
{%- endmacro %}
