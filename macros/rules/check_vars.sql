{#
    Before anything runs: every var in its range, every seed that a var points at in its shape. One sentence per mistake,
    all of them at once, each with the mend.
#}
{% macro check_vars() %}
    {%- if execute -%}
    {%- set mistakes = [] -%}

    {%- for name, smallest, largest in [
        ('history_months', 1, 120), ('history_lag_months', 0, 120), ('records_per_statement', 1, 1000000000000), ('rfm_score_bins', 3, 10), ('recent_days', 1, 365),
        ('super_customer_purchases', 1, 100000), ('slipping_min_purchase_days', 2, 100000),
        ('shallow_known_days', 1, 36500), ('value_drop_days', 1, 364), ('value_drop_min_purchase_days', 1, 366),
        ('complaint_days', 1, 3650), ('engagement_faded_days', 1, 364), ('engagement_faded_min_interactions', 1, 100000),
        ('engagement_surge_days', 1, 364), ('engagement_surge_min_interactions', 1, 100000)
    ] -%}
        {%- do mistakes.append(mistake_in_number(name, smallest, largest, whole=true)) -%}
    {%- endfor -%}
    {%- for name in ['rfm_window_days', 'churn_after_days'] if var(name) is not none -%}
        {%- do mistakes.append(mistake_in_number(name, 1, 36500, whole=true, or_null=true)) -%}
    {%- endfor -%}
    {%- for name in [
        'largest_rejected_share', 'abc_a_share', 'abc_b_share', 'high_value_share', 'mid_value_share', 'churn_gap_share',
        'growth_share', 'second_purchase_tail_share', 'value_drop_share', 'low_rating_share', 'engagement_faded_share',
        'criticality_floor'
    ] -%}
        {%- do mistakes.append(mistake_in_number(name, 0, 1)) -%}
    {%- endfor -%}
    {%- for name, smallest, largest in [
        ('largest_valid_amount', 1, 99999999999999), ('at_risk_pace_multiple', 1, 100), ('engagement_surge_multiple', 1, 1000)
    ] -%}
        {%- do mistakes.append(mistake_in_number(name, smallest, largest)) -%}
    {%- endfor -%}
    {%- for name, choices in [
        ('rfm_frequency_unit', ['purchase_days', 'orders']), ('rfm_monetary_basis', ['net', 'gross']),
        ('rfm_score_method', ['quantile', 'fixed']), ('value_class_reference', ['mean', 'median', 'score', 'fixed']),
        ('negative_amount_is_return', [true, false])
    ] if var(name) not in choices -%}
        {%- do mistakes.append("var " ~ name ~ " is " ~ var(name) ~ "; it can be " ~ choices | join(" or ")) -%}
    {%- endfor -%}
    {%- do mistakes.append(mistake_in_date('earliest_valid_date')) -%}
    {%- if var('as_of_date') is not none -%} {%- do mistakes.append(mistake_in_date('as_of_date')) -%} {%- endif -%}
    {%- if not modules.re.fullmatch('[A-Z]{3}', var('base_currency') | string) -%}
        {%- do mistakes.append("var base_currency is " ~ var('base_currency') ~ "; it must be an ISO 4217 code such as CNY") -%}
    {%- endif -%}
    {%- if var('business_timezone') not in modules.pytz.all_timezones_set -%}
        {%- do mistakes.append(
            "var business_timezone is " ~ var('business_timezone') ~ "; it must be an IANA name such as Asia/Shanghai"
        ) -%}
    {%- endif -%}
    {%- if not mistakes | select | list -%}
        {%- if var('abc_a_share') >= var('abc_b_share') -%}
            {%- do mistakes.append("var abc_a_share must be below abc_b_share") -%}
        {%- endif -%}
        {%- if var('high_value_share') >= var('mid_value_share') -%}
            {%- do mistakes.append("var high_value_share must be below mid_value_share") -%}
        {%- endif -%}
        {%- if var('churn_after_days') is not none and var('churn_after_days') < var('recent_days') -%}
            {%- do mistakes.append("var churn_after_days must be at least recent_days, as a return is looked for in those") -%}
        {%- endif -%}
        {%- if var('second_purchase_tail_share') >= 0.5 -%}
            {%- do mistakes.append("var second_purchase_tail_share must be below 0.5: it is left off on both sides") -%}
        {%- endif -%}
    {%- endif -%}

    {%- set mistakes = mistakes | select | list -%}
    {%- if mistakes -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was built. " ~ mistakes | join("; ") ~ ". Vars stand in dbt_project.yml, an input's in its mapping.yml."
        ) }}
    {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro mistake_in_number(name, smallest, largest, whole=false, or_null=false) -%}
    {%- set value = var(name) -%}
    {%- set range = "between " ~ smallest ~ " and " ~ largest ~ (", or null" if or_null) -%}
    {%- if value is boolean or value is not number or (whole and value is not integer) -%}
        {{ return("var " ~ name ~ " is " ~ value ~ "; it must be a " ~ ("whole " if whole) ~ "number " ~ range) }}
    {%- elif value < smallest or value > largest -%}
        {{ return("var " ~ name ~ " is " ~ value ~ "; it must be " ~ range) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}


{% macro mistake_in_date(name) -%}
    {%- set value = var(name) | string -%}
    {%- set is_date = modules.re.fullmatch('[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])', value) -%}
    {%- set ns = namespace(real=false) -%}
    {%- if is_date -%}
        {%- set first_of_month = modules.datetime.date(value[:4] | int, value[5:7] | int, 1) if value[:4] | int > 0 -%}
        {%- if first_of_month -%}
            {%- set shifted = first_of_month + modules.datetime.timedelta(days=(value[8:] | int) - 1) -%}
            {%- set ns.real = shifted.month == first_of_month.month -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(none if ns.real else "var " ~ name ~ " is " ~ value ~ "; it must be a day written YYYY-MM-DD") }}
{%- endmacro %}


{# After the as-of dates are found: there is a day to tell of, and it does not lie before all data. #}
{% macro check_as_of_date() %}
    {%- if execute and not flags.EMPTY -%}
    {%- set first_date = run_query(
        "select min(activity_date) as first_date from " ~ ref('activity_days') ~ " where transaction_count > 0"
    ).columns[0].values()[0] -%}
    {%- set as_of_date = run_query("select max(as_of_date) as as_of_date from " ~ this).columns[0].values()[0] -%}
    {%- if first_date is none -%}
        {{ exceptions.raise_compiler_error(
            "There is no day to tell of: not one row of raw.transactions has been accepted. Load a delivery: "
            ~ load_command() ~ ". If one has been loaded, "
            ~ "reason_code in the staging model stg_transactions says why its rows were rejected."
        ) }}
    {%- elif as_of_date < first_date and var('as_of_date') is not none -%}
        {{ exceptions.raise_compiler_error(
            "var as_of_date is " ~ var('as_of_date') ~ ", and the first transaction in the data is of " ~ first_date
            ~ "; choose a day from then on, or null for the last complete business day."
        ) }}
    {%- elif as_of_date < first_date -%}
        {{ exceptions.raise_compiler_error(
            "No business day is complete yet: the first transaction in the data is of " ~ first_date ~ ", and the newest row "
            ~ "arrived before that day had ended. Load what came later, or set var as_of_date to " ~ first_date ~ "."
        ) }}
    {%- endif -%}
    {%- endif -%}
{% endmacro %}
