{# A text to sort or compare by: byte by byte, not by the rules of a language that a database may be set to. #}
{% macro in_byte_order(expression) -%} {{ return(adapter.dispatch('in_byte_order')(expression)) }} {%- endmacro %}
{% macro default__in_byte_order(expression) -%} {{ expression }} {%- endmacro %}
{% macro postgres__in_byte_order(expression) -%} {{ expression }} collate "C" {%- endmacro %}
