{# After the as-of dates are found: there is a day to report, and it does not lie before all data. #}
{% macro check_as_of_date() %}
    {%- if execute and not flags.EMPTY -%}
    {%- set first_date = run_query(
        "select min(activity_date) as first_date from " ~ ref('activity_days') ~ " where transaction_count > 0"
    ).columns[0].values()[0] -%}
    {%- set as_of_date = run_query("select max(as_of_date) as as_of_date from " ~ this).columns[0].values()[0] -%}
    {%- if first_date is none -%}
        {{ exceptions.raise_compiler_error(
            "There is no day to report: not one row of raw.transactions has been accepted. Load a delivery: "
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
            ~ "was loaded before that day had ended. Load what came later, or set var as_of_date to " ~ first_date ~ "."
        ) }}
    {%- endif -%}
    {%- endif -%}
{% endmacro %}
