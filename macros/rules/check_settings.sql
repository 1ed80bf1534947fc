{#
    Before an incremental run: the vars and seeds are those that the warehouse was built with. Otherwise the new rows
    would be told by other rules than the old ones. A full refresh that changes them marks the ledger, which only its end
    replaces: broken off half-way, it leaves tables of both kinds, and only another full refresh can go on.
#}
{% macro check_settings() %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set ledger = state_builds_relation() -%}
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
            {%- elif changed and last_state_builds() -%}
                {{ exceptions.raise_compiler_error(
                    "Nothing was built. The states in this warehouse were built with other settings than now given (now: "
                    ~ changed | join(", ") ~ "). Build with --full-refresh, so that all of history is told in one way."
                ) }}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#
    Before an incremental run: no month-end that is frozen would leave, or open again, because of a day in an earlier month;
    it could only come back restated.
#}
{% macro check_look_back() %}
    {%- if execute and flags.WHICH in ('build', 'run') and var('as_of_date') and last_state_builds() and built_relation('as_of_dates') -%}
        {%- set lost = run_query(
            "select min(as_of_date), max(as_of_date) from " ~ built_relation('as_of_dates')
            ~ " where is_frozen and as_of_date >= "
            ~ month_end("date '" ~ var('as_of_date') ~ "'", -1 * var('history_lag_months'))
        ) -%}
        {%- if lost.columns[0].values()[0] -%}
            {{ exceptions.raise_compiler_error(
                "Nothing was built. As of " ~ var('as_of_date') ~ ", month-ends that are frozen would open again or leave ("
                ~ lost.columns[0].values()[0] ~ " to " ~ lost.columns[1].values()[0] ~ "), and could only come back restated. "
                ~ "Look back in a warehouse of its own, or build with --full-refresh."
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
