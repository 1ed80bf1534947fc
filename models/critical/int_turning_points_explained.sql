-- Turning points with their reason in words: the sentence of the type (seed turning_point_types) with its numbers in it.
with

turning_points as (
    select * from {{ ref('int_turning_points_ranked') }}
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

-- a number in words: how many of what, or the class that a rank stands for
worded as (
    select
        turning_points.*,
        {{ worded_value('turning_points.observed_value', 'observed_units', 'observed_classes', 'en') }} as observed_en,
        {{ worded_value('turning_points.observed_value', 'observed_units', 'observed_classes', 'zh') }} as observed_zh,
        {{ worded_value('turning_points.reference_value', 'reference_units', 'reference_classes', 'en') }} as reference_en,
        {{ worded_value('turning_points.reference_value', 'reference_units', 'reference_classes', 'zh') }} as reference_zh,
        turning_point_types.sort_order,
        turning_point_types.direction,
        turning_point_types.perspective,
        turning_point_types.weight,
        turning_point_types.cooldown_days,
        turning_point_types.strategy_code,
        turning_point_types.label_en,
        turning_point_types.label_zh,
        turning_point_types.sentence_en,
        turning_point_types.sentence_zh
    from turning_points
    inner join turning_point_types on turning_points.turning_point_type = turning_point_types.turning_point_type
    inner join units as observed_units on turning_point_types.observed_unit = observed_units.unit
    inner join units as reference_units on turning_point_types.reference_unit = reference_units.unit
    left join value_classes as observed_classes
        on
            observed_units.is_value_class
            and turning_points.observed_value = observed_classes.value_class_rank
    left join value_classes as reference_classes
        on
            reference_units.is_value_class
            and turning_points.reference_value = reference_classes.value_class_rank
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
        perspective,
        observed_value,
        reference_value,
        strength,
        weight,
        urgency,
        urgency_rank,
        started_on,
        cooldown_days,
        strategy_code,
        {{ filled_sentence('sentence_en', 'observed_en', 'reference_en', 'started_on') }} as reason_en,
        {{ filled_sentence('sentence_zh', 'observed_zh', 'reference_zh', 'started_on') }} as reason_zh
    from worded
),

labelled as (
    select
        explained.*,
        {{ label_columns(['direction', 'perspective']) }}
    from explained
    {{ label_joins(['direction', 'perspective'], 'explained') }}
)

select * from labelled
