{#
    The windows of each model of metrics, by name: how many days they hold and how many days before the as-of date they end.
    Both the conditions in the model (in_window) and the days on which a customer must be recomputed (window_edges) come from
    here. days none: no beginning.
#}
{% macro purchase_windows() -%}
    {%- set half = half_window_days() -%}
    {{ return({
        'rfm': {'days': var('rfm_window_days')},
        'year': {'days': days_of_year()},
        'half': {'days': half},
        'half_before': {'days': half, 'ending_before': half},
        'value_drop': {'days': var('value_drop_days')},
        'year_before_drop': {'days': days_of_year(), 'ending_before': var('value_drop_days')},
        'recent': {'days': var('recent_days')}
    }) }}
{%- endmacro %}

{% macro interaction_windows() -%}
    {{ return({
        'faded': {'days': var('engagement_faded_days')},
        'year_before_faded': {'days': days_of_year(), 'ending_before': var('engagement_faded_days')},
        'surge': {'days': var('engagement_surge_days')},
        'year_before_surge': {'days': days_of_year(), 'ending_before': var('engagement_surge_days')}
    }) }}
{%- endmacro %}

{# Whether the activity_date of a row lies in a window of its as_of_date: in_window('purchase_windows', 'rfm'). #}
{% macro in_window(windows, name) -%}
    {%- set window = context[windows]()[name] -%}
    {{ last_days('activity_date', 'as_of_date', window.days, window.ending_before or 0) }}
{%- endmacro %}

{# The days before the as-of date on which an activity date enters or leaves one of the windows. #}
{% macro window_edges(windows) -%}
    {%- set edges = [] -%}
    {%- for window in windows.values() if window.days is not none -%}
        {%- do edges.extend([window.days + (window.ending_before or 0), window.ending_before or 0]) -%}
    {%- endfor -%}
    {{ return(edges | select | unique | list) }}
{%- endmacro %}

{#
    Whether a day lies in the window of so many days that ends so many days before the as-of date:
    last_days('d', 'a', 30) is the as-of date and the 29 days before it. days = none: no beginning.
#}
{% macro last_days(date, as_of_date, days, ending_before=0) -%}
    {%- if days is none -%}
        true
    {%- elif ending_before == 0 -%}
        {{ date }} > {{ add_days(as_of_date, -1 * days) }}
    {%- else -%}
        {{ date }} > {{ add_days(as_of_date, -1 * (days + ending_before)) }}
        and {{ date }} <= {{ add_days(as_of_date, -1 * ending_before) }}
    {%- endif -%}
{%- endmacro %}

{# The year that "usual" and "the year before" speak of. #}
{% macro days_of_year() -%} {{ return(365) }} {%- endmacro %}

{# Half of the RFM window in days; half a year where the window is the lifetime. #}
{% macro half_window_days() -%} {{ return((var('rfm_window_days') or days_of_year()) // 2) }} {%- endmacro %}
