{#
    Before an incremental run: settings and seeds are those that the stored states were built with. Otherwise new rows would
    follow other rules than old ones. A full refresh that changes them marks state_builds, which only its end replaces: broken
    off half-way, it leaves tables of both kinds, and only another full refresh can go on.
#}
{% macro check_settings() %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set state_builds = built_relation('state_builds') -%}
        {%- set rows = run_query('select as_of_date, built_with from ' ~ state_builds) if state_builds else [] -%}
        {%- set changed = [] -%}
        {%- for setting in state_settings() if rows | length and setting not in rows[0]['built_with'].split('; ') -%}
            {%- do changed.append(setting if setting.startswith('var') else setting.split(' = ')[0]) -%}
        {%- endfor -%}
        {%- if flags.FULL_REFRESH and changed -%}
            insert into {{ state_builds }} (built_with) values ('unfinished')
        {%- elif not flags.FULL_REFRESH and rows | selectattr('as_of_date', 'none') | list -%}
            {{ stop_before_building(
                "A full refresh with other settings than before did not come to its end and has left tables of both. "
                ~ build_all_of_history()
            ) }}
        {%- elif not flags.FULL_REFRESH and changed and last_state_builds() -%}
            {{ stop_before_building(
                "The states in this warehouse were built with other settings (now: " ~ changed | join(", ")
                ~ "), so that old and new rows would follow different rules. " ~ build_all_of_history()
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{# Before an incremental run: an as-of date in an earlier month opens or removes no frozen month-end, which would come back restated. #}
{% macro check_look_back() %}
    {%- if execute and flags.WHICH in ('build', 'run') and var('as_of_date') and last_state_builds() and built_relation('as_of_dates') -%}
        {%- set lost = run_query(
            "select min(as_of_date), max(as_of_date) from " ~ built_relation('as_of_dates') ~ " where is_frozen and as_of_date >= "
            ~ month_end("date '" ~ var('as_of_date') ~ "'", -1 * var('history_lag_months'))
        ) -%}
        {%- set first, last = lost.columns[0].values()[0], lost.columns[1].values()[0] -%}
        {%- if first -%}
            {{ stop_before_building(
                "As of " ~ var('as_of_date') ~ ", month-ends that are frozen would open again or leave (" ~ first ~ " to " ~ last
                ~ "), and could only come back restated. Look back in a warehouse of its own. Or: " ~ build_all_of_history()
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{# Before an incremental run: what is built has the columns that the run reads of it; tables grow by a column only after that. #}
{% macro check_built_before() %}
    {%- set needed = {'incremental': ['raw_key', 'last_changed_at'], 'by_as_of_date': ['last_changed_at']} -%}
    {%- for node in (graph.nodes.values() if execute and flags.WHICH in ('build', 'run') and not flags.FULL_REFRESH else [])
        if node.resource_type == 'model' and node.config.materialized in needed
        and (node.fqn[1] == 'staging' or node.config.meta.get('by_customer')) -%}
        {%- set built = adapter.get_relation(node.database, node.schema, node.alias) -%}
        {%- set columns = adapter.get_columns_in_relation(built) | map(attribute='name') | list if built else [] -%}
        {%- for missing in needed[node.config.materialized] | reject('in', columns) if columns -%}
            {{ stop_before_building(
                node.schema ~ "." ~ node.alias ~ " was built by an earlier version of this project, without the column " ~ missing
                ~ ", by which a run finds new rows. " ~ build_all_of_history()
            ) }}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}

{% macro stop_before_building(reason) -%} {{ exceptions.raise_compiler_error("Nothing was built. " ~ reason) }} {%- endmacro %}

{# The command that repeats all of history, for messages. #}
{% macro build_all_of_history() -%}
    {{ return("Build all of history again: make build REFRESH=1, or dbt build --full-refresh.") }}
{%- endmacro %}
