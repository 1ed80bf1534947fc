{#
    Cases of a test as rows: text "given" and text "expected", none is null. A text is cut from its blanks by no engine, so
    that they can be part of a case.
#}
{% macro cases_as_rows(cases) -%}
    {%- for given, expected in cases %}
    select
        cast({{ dbt.string_literal(given) }} as {{ dbt.type_string() }}) as given,
        cast({{ dbt.string_literal(expected) if expected is not none else 'null' }} as {{ dbt.type_string() }}) as expected
    {{- "\n    union all" if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
