{# A value in words, by its row of the seed units; units must carry currency, classes the class that a rank stands for. #}
{% macro worded_value(value, units, classes, language) -%}
    {%- set form = "case when " ~ value ~ " = 1 then " ~ units ~ ".one_en else " ~ units ~ ".many_en end"
        if language == 'en' else units ~ ".many_zh" -%}
    coalesce(
            {{ classes }}.label_{{ language }},
            replace(
                replace({{ form }}, '{currency}', {{ units }}.currency),
                '{n}',
                case {{ units }}.decimals
                    when 0 then {{ shown_number(value, 0) }}
                    else {{ shown_number(value, 1) }}
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
