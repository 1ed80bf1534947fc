{#
    A score of 1..rfm_score_bins of a value against the cut points of a relation with cut_point_1, cut_point_2, ...
    best: 'high' or 'low', which end of the values scores best.
    quantile: one more for each cut point strictly below the value, so that equal values get equal scores.
    fixed: one more for each cut point at or below the value.
#}
{% macro rfm_score(value, cut_points, best='high') -%}
    {%- if best not in ('high', 'low') -%}
        {{ exceptions.raise_compiler_error("rfm_score: best must be 'high' or 'low', got '" ~ best ~ "'") }}
    {%- endif -%}
    {%- set passes = '<' if var('rfm_score_method') == 'quantile' else '<=' -%}
    {%- set passed = [] -%}
    {%- for number in range(1, var('rfm_score_bins')) -%}
        {%- do passed.append(
            "case when " ~ cut_points ~ ".cut_point_" ~ number ~ " " ~ passes ~ " " ~ value ~ " then 1 else 0 end"
        ) -%}
    {%- endfor -%}
    cast(
        case when {{ value }} is not null then
            {{ "1 +" if best == 'high' else var('rfm_score_bins') ~ " -" }} ({{ passed | join(" + ") }})
        end as integer
    )
{%- endmacro %}

{# The score of a row's metric_value, by its metric: of recency low is best. #}
{% macro metric_score(metrics, cut_points) -%}
    case {{ metrics }}.metric
        when 'recency_days' then {{ rfm_score(metrics ~ '.metric_value', cut_points, best='low') }}
        else {{ rfm_score(metrics ~ '.metric_value', cut_points) }}
    end
{%- endmacro %}

{# Whether a value is on the good side of its line, by the var value_class_reference. #}
{% macro is_high(value, references, best='high') -%}
    {%- if var('value_class_reference') == 'score' -%}
        {{ rfm_score(value, references, best) }} > {{ references }}.reference_value
    {%- elif best == 'low' -%}
        {{ value }} <= {{ references }}.reference_value
    {%- else -%}
        {{ value }} > {{ references }}.reference_value
    {%- endif -%}
{%- endmacro %}

{# The quantiles k/n of a group of values that the scores are cut at, as a list <value>_quantiles of doubles. #}
{% macro quantiles(value) -%}
    {%- set fractions = [] -%}
    {%- for number in range(1, var('rfm_score_bins')) -%} {%- do fractions.append(number / var('rfm_score_bins')) -%} {%- endfor -%}
    {{ quantile_list(value, fractions) }} as {{ value }}_quantiles
{%- endmacro %}

{# The nine cut points of a value from its quantiles, null beyond those that there are. #}
{% macro cut_points_of(value) -%}
    {%- for number in range(1, 10) %}
    {% if number < var('rfm_score_bins') -%}
        {{ to_threshold(list_element(value ~ '_quantiles', number)) }}
    {%- else -%}
        cast(null as {{ threshold_type() }})
    {%- endif %} as cut_point_{{ number }}{{ "," if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The nine cut points of a metric from the rows of the seed rfm_fixed_cut_points. #}
{% macro fixed_cut_points() -%}
    {%- for number in range(1, 10) %}
    {{ to_threshold("max(cut_point) filter (where cut_number = " ~ number ~ ")") }} as cut_point_{{ number }}{{ "," if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The nine cut points of a relation; none: nine nulls. #}
{% macro all_cut_points(relation=none) -%}
    {%- for number in range(1, 10) %}
    {{ relation ~ "." if relation else "null as " }}cut_point_{{ number }}{{ "," if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
