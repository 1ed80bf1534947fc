{#
    Before an incremental run: the vars and seeds are those that the warehouse was built with. Otherwise the new rows
    would be told by other rules than the old ones. A full refresh that changes them marks the ledger, which only its end
    replaces: broken off half-way, it leaves tables of both kinds, and only another full refresh can go on.
#}
{% macro check_settings() %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set ledger = ledger_relation() -%}
        {%- set rows = run_query('select as_of_date, built_with from ' ~ ledger) if ledger else [] -%}
        {%- set changed = [] -%}
        {%- for setting in state_settings() if rows | length and setting not in rows[0]['built_with'].split('; ') -%}
            {%- do changed.append(setting if setting.startswith('var') else setting.split(' = ')[0]) -%}
        {%- endfor -%}
        {%- if flags.FULL_REFRESH and changed -%}
            insert into {{ ledger }} (built_with) values ('unfinished')
        {%- elif not flags.FULL_REFRESH -%}
            {%- if rows | selectattr('as_of_date', 'none') | list -%}
                {{ exceptions.raise_compiler_error(
                    "Nothing was built. A full refresh with other settings than before did not come to its end and has left "
                    ~ "tables of both. Build with --full-refresh."
                ) }}
            {%- elif changed and last_ledger() -%}
                {{ exceptions.raise_compiler_error(
                    "Nothing was built. The states in this warehouse were built with other settings than now given (now: "
                    ~ changed | join(", ") ~ "). Build with --full-refresh, so that all of history is told in one way."
                ) }}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
