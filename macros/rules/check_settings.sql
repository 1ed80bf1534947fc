{#
    Before an incremental run: the vars and seeds are those that the warehouse was built with. Otherwise the new rows
    would be told by other rules than the old ones.
#}
{% macro check_settings() %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set ledger = last_ledger() -%}
        {%- set built_with = run_query('select max(built_with) as built_with from ' ~ ledger).columns[0].values() if ledger else [] -%}
        {%- if built_with and built_with[0] -%}
            {%- set changed = [] -%}
            {%- for setting in state_settings() if setting not in built_with[0].split('; ') -%}
                {%- do changed.append(setting if setting.startswith('var') else setting.split(' = ')[0]) -%}
            {%- endfor -%}
            {%- if changed -%}
                {{ exceptions.raise_compiler_error(
                    "Nothing was built. The states in this warehouse were built with other settings than now given (now: "
                    ~ changed | join(", ") ~ "). Build with --full-refresh, so that all of history is told in one way."
                ) }}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
