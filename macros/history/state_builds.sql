{#
    What decides what a state says: the vars, and the seeds that its models read (by a checksum). The ledger keeps it
    beside the as-of dates that were built with it.
#}
{% macro state_settings() %}
    {%- set settings = [] -%}
    {%- for name in [
        'history_months', 'business_timezone', 'base_currency', 'earliest_valid_date', 'largest_valid_amount',
        'negative_amount_is_return', 'rfm_window_days', 'rfm_frequency_unit', 'rfm_monetary_basis',
        'rfm_score_method', 'rfm_score_bins', 'value_class_reference', 'abc_a_share', 'abc_b_share',
        'high_value_share', 'mid_value_share', 'churn_after_days', 'churn_gap_share', 'recent_days',
        'at_risk_pace_multiple', 'growth_share', 'super_customer_purchases', 'slipping_min_purchase_days',
        'shallow_known_days', 'second_purchase_tail_share', 'value_drop_days', 'value_drop_min_purchase_days',
        'value_drop_share', 'complaint_days', 'low_rating_share', 'engagement_faded_days',
        'engagement_faded_min_interactions', 'engagement_faded_share', 'engagement_surge_days',
        'engagement_surge_min_interactions', 'engagement_surge_multiple'
    ] -%}
        {%- do settings.append('var ' ~ name ~ ' = ' ~ var(name)) -%}
    {%- endfor -%}
    {%- if execute -%}
        {%- set seeds_read = [] -%}
        {%- for node in graph.nodes.values() if node.fqn[1] in ('staging', 'activity', 'history', 'states') -%}
            {%- do seeds_read.extend(node.depends_on.nodes) -%}
        {%- endfor -%}
        {%- for id in seeds_read | unique | sort if id.startswith('seed.') -%}
            {%- do settings.append('seed ' ~ graph.nodes[id].name ~ ' = ' ~ graph.nodes[id].checksum.checksum[:12]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(settings) }}
{% endmacro %}


{#
    The as-of dates that the last finished run left behind, as a relation; none where there is none to go on: a full
    refresh, a first run, or a table of states that someone dropped. The ledger is written after all that it speaks of.
#}
{% macro last_state_builds() %}
    {%- if not execute or flags.FULL_REFRESH -%} {{ return(none) }} {%- endif -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'by_as_of_date' -%}
        {%- if not adapter.get_relation(node.database, node.schema, node.alias) -%} {{ return(none) }} {%- endif -%}
    {%- endfor -%}
    {{ return(state_builds_relation()) }}
{% endmacro %}


{# The table of state_builds, which no model of states may refer to; none where it is not there yet. #}
{% macro state_builds_relation() %}
    {{ return(built_relation('state_builds')) }}
{% endmacro %}

{# What a model has built, for where it cannot be referred to; none where it is not there yet. #}
{% macro built_relation(model_name) %}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == model_name -%}
        {{ return(adapter.get_relation(node.database, node.schema, node.alias)) }}
    {%- endfor -%}
{% endmacro %}


{#
    Once the as-of dates are known, and before a table of states is touched: the ledger forgets those that will be built
    and those that are none any more, so that a run that breaks off is caught up by the next.
#}
{% macro forget_dates_to_build() %}
    {%- if execute -%}
        {%- set condition =
            'as_of_date is not null and as_of_date not in (select kept.as_of_date from ' ~ this ~ ' as kept'
            ~ ' where not kept.needs_rebuild)' -%}
        {%- set ledger = state_builds_relation() -%}
        {%- if ledger -%} {%- do run_all(forget_dates(ledger, condition)) -%} {%- endif -%}
        {%- do run_all(unpublish_dates(condition)) -%}
    {%- endif -%}
{% endmacro %}
