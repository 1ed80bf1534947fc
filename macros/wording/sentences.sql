{# A value in words, by its row of the seed units; units must carry currency, classes the class that a rank stands for. #}
{% macro worded_value(value, units, classes, language) -%}
    coalesce(
            {{ classes }}.label_{{ language }},
            replace(
                replace(
                    case when {{ value }} = 1 then {{ units }}.one_{{ language }} else {{ units }}.many_{{ language }} end,
                    '{currency}', {{ units }}.currency
                ),
                '{n}',
                case {{ units }}.decimals
                    when 0 then {{ format_number(value, 0) }}
                    else {{ format_number(value, 1) }}
                end
            )
        )
{%- endmacro %}

{# A sentence of the seed turning_point_types with its numbers in it. #}
{% macro filled_sentence(sentence, observed, reference, since_date) -%}
    replace(
            replace(
                replace({{ sentence }}, '{observed}', {{ observed }}),
                '{reference}', {{ reference }}
            ),
            '{since}', cast({{ since_date }} as {{ dbt.type_string() }})
        )
{%- endmacro %}
