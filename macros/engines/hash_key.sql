{#
    Eight bytes that stand for a text: equal for equal texts, so that texts without an equal are found in little memory.
    Two others may share them by chance, so an equal digest proves nothing; a null gives whatever the engine makes of it.
#}
{% macro hash_key(expression) -%} {{ return(adapter.dispatch('hash_key')(expression)) }} {%- endmacro %}
{% macro default__hash_key(expression) -%} hash({{ expression }}) {%- endmacro %}
{% macro postgres__hash_key(expression) -%} hashtextextended({{ expression }}, 0) {%- endmacro %}
{% macro spark__hash_key(expression) -%} xxhash64({{ expression }}) {%- endmacro %}
