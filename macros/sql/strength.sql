{#
    How strongly a turning point holds, 0..1, without a unit.
    lies: 'above'    1 - reference/observed, where observed exceeds its reference
          'below'    1 - observed/reference, where it falls short of it
          'towards'  observed/reference, where a window closes with it
#}
{% macro strength(observed, reference, lies) -%}
    {%- set quotients = {
        'above': "1 - coalesce(" ~ ratio(reference, observed) ~ ", 1)",
        'below': "1 - coalesce(" ~ ratio(observed, reference) ~ ", 1)",
        'towards': "coalesce(" ~ ratio(observed, reference) ~ ", 1)"
    } -%}
    {%- if lies not in quotients -%}
        {{ exceptions.raise_compiler_error(
            "strength: lies must be " ~ quotients | join(" or ") ~ ", got '" ~ lies ~ "'"
        ) }}
    {%- endif -%}
    greatest(cast(0 as {{ double_type() }}), least(cast(1 as {{ double_type() }}), {{ quotients[lies] }}))
{%- endmacro %}

