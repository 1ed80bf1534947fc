{#
    Protects the labels: every code that a model can write has its row in the seed with its labels.
    Without the row a report would show an empty cell, or lose the customers of that stage; a reason code without a row
    would leave a rejected record unexplained.
#}
{%- set sentences %}
with

labels as (
    select * from {{ ref('labels') }}
),

rejection_reasons as (
    select * from {{ ref('rejection_reasons') }}
),

turning_point_types as (
    select * from {{ ref('turning_point_types') }}
),

transaction_statuses as (
    select * from {{ ref('transaction_statuses') }}
),

codes_of_models as (
    select * from (
        values
        ('lifecycle_stage', 'potential'),
        ('lifecycle_stage', 'first_purchase'),
        ('lifecycle_stage', 'repeat'),
        ('lifecycle_stage', 'churned'),
        ('movement', 'new'),
        ('movement', 'reactivated'),
        ('movement', 'growing'),
        ('movement', 'steady'),
        ('movement', 'declining'),
        ('movement', 'at_risk'),
        ('ecommerce_stage', 'new'),
        ('ecommerce_stage', 'first'),
        ('ecommerce_stage', 'repeat'),
        ('ecommerce_stage', 'super'),
        ('consultative_stage', 'stranger'),
        ('consultative_stage', 'contacted'),
        ('consultative_stage', 'intent'),
        ('consultative_stage', 'first_order'),
        ('consultative_stage', 'repeat'),
        ('consultative_stage', 'super'),
        ('relationship', 'potential'),
        ('relationship', 'active'),
        ('relationship', 'churned'),
        ('abc_class', 'a'),
        ('abc_class', 'b'),
        ('abc_class', 'c'),
        ('abc_class', 'none'),
        ('value_level', 'high'),
        ('value_level', 'mid'),
        ('value_level', 'low'),
        ('value_level', 'none'),
        ('metric', 'recency_days'),
        ('metric', 'frequency_count'),
        ('metric', 'monetary_amount'),
        ('metric', 'churn_line_days'),
        ('metric', 'pooled_mean_gap_days'),
        ('metric', 'second_gap_lower_days'),
        ('metric', 'second_gap_upper_days'),
        ('metric', 'top_fifth_line_amount'),
        ('metric', 'high_value_line_amount'),
        ('metric', 'mid_value_line_amount'),
        ('metric', 'abc_a_line_amount'),
        ('metric', 'abc_b_line_amount')
    ) as listed (column_name, code)
),

codes_of_types as (
    select
        'direction' as column_name,
        direction as code
    from turning_point_types
    group by direction

    union all

    select
        'perspective' as column_name,
        perspective as code
    from turning_point_types
    group by perspective
),

codes as (
    select * from codes_of_models
    union all
    select * from codes_of_types
),

reason_codes as (
    select * from (
        values
        ('missing_key'),
        ('missing_customer'),
        ('broken_text'),
        ('invalid_timestamp'),
        ('date_out_of_range'),
        ('date_in_future'),
        ('invalid_amount'),
        ('negative_amount'),
        ('amount_out_of_range'),
        ('unknown_type'),
        ('unknown_status'),
        ('unknown_currency'),
        ('unknown_direction'),
        ('invalid_rating'),
        ('resolved_before_occurred'),
        ('exact_duplicate'),
        ('superseded')
    ) as listed (reason_code)
),

-- a transaction without a status is taken as completed
statuses as (
    select 'completed' as transaction_status
),

sentences as (
    select concat(
        'The seed labels has no row for ', codes.column_name, ' = ', codes.code, '. Add it to seeds/labels.csv, with its English ',
        'and its Chinese label.'
    ) as sentence
    from codes
    left join labels
        on
            codes.column_name = labels.column_name
            and codes.code = labels.code
    where labels.code is null

    union all

    select concat(
        'The seed rejection_reasons has no row ', reason_codes.reason_code, '. Add it to seeds/rejection_reasons.csv, with what ',
        'it means and how to fix it.'
    ) as sentence
    from reason_codes
    left join rejection_reasons on reason_codes.reason_code = rejection_reasons.reason_code
    where rejection_reasons.reason_code is null

    union all

    select concat(
        'The seed transaction_statuses has no row ', statuses.transaction_status, ', which a transaction without a status is ',
        'taken as. Add it to seeds/transaction_statuses.csv.'
    ) as sentence
    from statuses
    left join transaction_statuses on statuses.transaction_status = transaction_statuses.transaction_status
    where transaction_statuses.transaction_status is null
)

select sentence from sentences
order by sentence
{%- endset -%}

{{ stop_with_message(sentences) }}
