{#
    Eight bytes that stand for a text: equal for equal texts, so that texts without an equal are found in little memory.
    Two others may share them by chance, so an equal digest proves nothing; a null gives whatever the engine makes of it.
#}
{% macro key_digest(expression) -%}
    {{ return(adapter.dispatch('key_digest')(expression)) }}
{%- endmacro %}

{% macro default__key_digest(expression) -%} hash({{ expression }}) {%- endmacro %}

{% macro postgres__key_digest(expression) -%} hashtextextended({{ expression }}, 0) {%- endmacro %}

{% macro spark__key_digest(expression) -%} xxhash64({{ expression }}) {%- endmacro %}
