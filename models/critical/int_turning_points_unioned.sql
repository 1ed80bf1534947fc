{{ config(materialized='by_as_of_date') }}

-- One model per row of the seed turning_point_types, all with the same columns; a test compares the two.
with

of_all_types as (
    {{ union_all([
        ref('complained_while_valuable'),
        ref('slipping'),
        ref('value_drop'),
        ref('dormant_high_value'),
        ref('class_fell'),
        ref('engagement_faded'),
        ref('came_back'),
        ref('second_purchase_window'),
        ref('engagement_surge'),
        ref('class_rose'),
        ref('shallow_recent')
    ]) }}
),

turning_points as (
    select
        customer_id,
        as_of_date,
        turning_point_type,
        observed_value,
        reference_value,
        strength,
        started_on
    from of_all_types
    {{ only_dates_to_build() }}
)

select * from turning_points
