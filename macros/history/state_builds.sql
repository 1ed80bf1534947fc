{#
    state_builds: which as-of dates the last finished run left behind, and with which settings. It is written after every
    table that it speaks of, and loses a date before a run changes a table of that date, so the next run repeats what a
    broken-off run had begun.
#}

{# What decides what a state says: the settings marked states, and the seeds that its models read (by a checksum). #}
{% macro state_settings() %}
    {%- set settings = [] -%}
    {%- for name, rule in var('settings').items() if rule.get('states') -%}
        {%- do settings.append('var ' ~ name ~ ' = ' ~ var(name)) -%}
    {%- endfor -%}
    {%- set above = [] -%}
    {%- do collect_above('model.' ~ project_name ~ '.state_builds', above) -%}
    {%- for id in above | sort if id.startswith('seed.') -%}
        {%- do settings.append('seed ' ~ graph.nodes[id].name ~ ' = ' ~ graph.nodes[id].checksum.checksum[:12]) -%}
    {%- endfor -%}
    {{ return(settings) }}
{% endmacro %}

{# Adds the nodes that a node is built from to a list, those they are built from among them. #}
{% macro collect_above(id, found) -%}
    {%- for parent in (graph.nodes[id].depends_on.nodes if execute else []) if parent in graph.nodes and parent not in found -%}
        {%- do found.append(parent) -%}
        {%- do collect_above(parent, found) -%}
    {%- endfor -%}
{%- endmacro %}

{#
    The state builds that this run goes on from, as a relation; none where it begins anew: a full refresh, a first run, or a
    table of states that someone dropped.
#}
{% macro last_state_builds() %}
    {%- if not execute or flags.FULL_REFRESH -%} {{ return(none) }} {%- endif -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'by_as_of_date' -%}
        {%- if not adapter.get_relation(node.database, node.schema, node.alias) -%} {{ return(none) }} {%- endif -%}
    {%- endfor -%}
    {{ return(built_relation('state_builds')) }}
{% endmacro %}

{% macro no_state_builds() -%}
    (select cast(null as date) as as_of_date, cast(null as timestamp) as data_last_changed_at where 1 = 0)
{%- endmacro %}

{# What a model has built, for where it cannot be referred to; none where it is not there yet. #}
{% macro built_relation(model_name) %}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == model_name -%}
        {{ return(adapter.get_relation(node.database, node.schema, node.alias)) }}
    {%- endfor -%}
{% endmacro %}

{# After the as-of dates are known: state_builds loses those that will be built and those that are none any more. #}
{% macro forget_dates_to_build() %}
    {%- if execute -%}
        {%- set condition =
            'as_of_date is not null and as_of_date not in (select kept.as_of_date from ' ~ this ~ ' as kept'
            ~ ' where not kept.needs_rebuild)' -%}
        {%- set state_builds = built_relation('state_builds') -%}
        {%- if state_builds -%} {%- do run_all(forget_dates(state_builds, condition)) -%} {%- endif -%}
        {%- do run_all(unpublish_dates(condition)) -%}
    {%- endif -%}
{% endmacro %}
