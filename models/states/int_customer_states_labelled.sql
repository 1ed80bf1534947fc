-- The hub with the labels of its codes in both languages and the flags of its date, for the marts.
with

states as (
    select * from {{ ref('int_customer_states') }}
),

labelled as (
    select
        states.*,
        as_of_dates.is_current,
        as_of_dates.is_month_end,
        value_classes.label_en as value_class_en,
        value_classes.label_zh as value_class_zh,
        {{ label_columns([
            'abc_class', 'value_level', 'lifecycle_stage', 'movement', 'ecommerce_stage', 'consultative_stage', 'relationship'
        ]) }}
    from states
    inner join {{ ref('as_of_dates') }} as as_of_dates on states.as_of_date = as_of_dates.as_of_date
    left join {{ ref('value_classes') }} as value_classes on states.value_class = value_classes.value_class
    {{ label_joins([
        'abc_class', 'value_level', 'lifecycle_stage', 'movement', 'ecommerce_stage', 'consultative_stage', 'relationship'
    ], 'states') }}
)

select * from labelled
