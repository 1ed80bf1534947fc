{#
    Before anything runs: every setting keeps the registry (var settings in dbt_project.yml). One sentence per mistake, all
    of them at once, each with what is allowed.
#}
{% macro check_vars() %}
    {%- set mistakes, registry = [], var('settings') -%}
    {%- for name, rule in registry.items() if not setting_keeps(var(name), rule) -%}
        {%- do mistakes.append("var " ~ name ~ " is " ~ var(name) ~ "; it must be " ~ setting_allows(rule)) -%}
    {%- endfor -%}
    {%- for name, rule in registry.items() if not mistakes and var(name) is not none -%}
        {%- if rule.get('below') and var(name) >= var(rule['below']) -%}
            {%- do mistakes.append("var " ~ name ~ " must be below " ~ rule['below']) -%}
        {%- elif rule.get('at_least') and var(name) < var(rule['at_least']) -%}
            {%- do mistakes.append("var " ~ name ~ " must be at least " ~ rule['at_least']) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if mistakes and execute -%}
        {{ stop_before_building(mistakes | join("; ") ~ ". Settings stand in dbt_project.yml, an input's in its mapping.yml.") }}
    {%- endif -%}
{% endmacro %}

{# Whether a value keeps its rule. #}
{% macro setting_keeps(value, rule) -%}
    {%- set range = rule.get('whole') or rule.get('number') -%}
    {%- if value is none -%} {{ return(rule.get('or_null', false)) }}
    {%- elif range -%}
        {%- set is_kind = value is number and value is not boolean and (value is integer or not rule.get('whole')) -%}
        {{ return(is_kind and range[0] <= value <= range[1]) }}
    {%- elif rule.get('one_of') -%} {{ return(value in rule['one_of'] and (value is boolean) == (rule['one_of'][0] is boolean)) }}
    {%- elif rule.get('day') -%} {{ return(is_day(value | string)) }}
    {%- elif rule.get('currency') -%} {{ return(modules.re.fullmatch('[A-Z]{3}', value | string) is not none) }}
    {%- else -%} {{ return(value in modules.pytz.all_timezones_set) }}
    {%- endif -%}
{%- endmacro %}

{# What a rule allows, in words. #}
{% macro setting_allows(rule) -%}
    {%- set range = rule.get('whole') or rule.get('number') -%}
    {%- if range -%}
        {%- set words = ("a whole number" if rule.get('whole') else "a number") ~ " between " ~ range[0] ~ " and " ~ range[1] -%}
    {%- elif rule.get('one_of') -%} {%- set words = rule['one_of'] | join(" or ") -%}
    {%- elif rule.get('day') -%} {%- set words = "a day written YYYY-MM-DD" -%}
    {%- elif rule.get('currency') -%} {%- set words = "an ISO 4217 code such as CNY" -%}
    {%- else -%} {%- set words = "an IANA time zone such as Asia/Shanghai" -%}
    {%- endif -%}
    {{ return(words ~ (", or null" if rule.get('or_null') else "")) }}
{%- endmacro %}

{# Whether a text is a day of the calendar, written YYYY-MM-DD. #}
{% macro is_day(text) -%}
    {%- if not modules.re.fullmatch('(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])', text) -%} {{ return(false) }} {%- endif -%}
    {%- set first_of_month = modules.datetime.date(text[:4] | int, text[5:7] | int, 1) -%}
    {{ return((first_of_month + modules.datetime.timedelta(days=text[8:] | int - 1)).month == first_of_month.month) }}
{%- endmacro %}
