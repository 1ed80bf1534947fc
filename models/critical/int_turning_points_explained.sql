with

turning_points as (
    select * from {{ ref('int_turning_points_unioned') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

turning_point_types as (
    select * from {{ ref('turning_point_types') }}
),

units as (
    select
        units.*,
        '{{ var("base_currency") }}' as currency
    from {{ ref('units') }} as units
),

value_classes as (
    select * from {{ ref('value_classes') }}
),

-- ranked before anything is put into words, so that no text is carried through the window;
-- equal urgencies stand in the order of the registry
ranked as (
    select
        turning_points.*,
        as_of_dates.is_current,
        turning_point_types.weight * turning_points.strength as urgency,
        -- is_current says nothing that as_of_date does not, but lets an engine leave out other dates before it ranks
        row_number() over (
            partition by turning_points.customer_id, turning_points.as_of_date, as_of_dates.is_current
            order by
                cast(turning_point_types.weight * turning_points.strength as decimal(18, 8)) desc,
                turning_point_types.sort_order
        ) as urgency_rank
    from turning_points
    inner join as_of_dates on turning_points.as_of_date = as_of_dates.as_of_date
    inner join turning_point_types on turning_points.turning_point_type = turning_point_types.turning_point_type
),

-- a number in words: how many of what, or the class that a rank stands for
worded as (
    select
        ranked.*,
        {{ worded_value('ranked.observed_value', 'observed_units', 'observed_classes', 'en') }} as observed_en,
        {{ worded_value('ranked.observed_value', 'observed_units', 'observed_classes', 'zh') }} as observed_zh,
        {{ worded_value('ranked.reference_value', 'reference_units', 'reference_classes', 'en') }} as reference_en,
        {{ worded_value('ranked.reference_value', 'reference_units', 'reference_classes', 'zh') }} as reference_zh,
        turning_point_types.sort_order,
        turning_point_types.direction,
        turning_point_types.sense,
        turning_point_types.weight,
        turning_point_types.stake_basis,
        turning_point_types.cooldown_days,
        turning_point_types.strategy_code,
        turning_point_types.label_en,
        turning_point_types.label_zh,
        turning_point_types.sentence_en,
        turning_point_types.sentence_zh
    from ranked
    inner join turning_point_types on ranked.turning_point_type = turning_point_types.turning_point_type
    inner join units as observed_units on turning_point_types.observed_unit = observed_units.unit
    inner join units as reference_units on turning_point_types.reference_unit = reference_units.unit
    left join value_classes as observed_classes
        on
            observed_units.is_value_class
            and ranked.observed_value = observed_classes.value_class_rank
    left join value_classes as reference_classes
        on
            reference_units.is_value_class
            and ranked.reference_value = reference_classes.value_class_rank
),

explained as (
    select
        customer_id,
        as_of_date,
        is_current,
        turning_point_type,
        sort_order as turning_point_type_sort,
        label_en as turning_point_type_en,
        label_zh as turning_point_type_zh,
        direction,
        sense,
        observed_value,
        reference_value,
        strength,
        weight,
        urgency,
        urgency_rank,
        started_on,
        stake_basis,
        cooldown_days,
        strategy_code,
        {{ filled_sentence('sentence_en', 'observed_en', 'reference_en', 'started_on') }} as reason_en,
        {{ filled_sentence('sentence_zh', 'observed_zh', 'reference_zh', 'started_on') }} as reason_zh
    from worded
)

select * from explained
