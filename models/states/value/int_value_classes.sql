with

states as (
    select * from {{ ref('int_rfm_scores') }}
),

value_classes as (
    select * from {{ ref('value_classes') }}
    where is_recency_high is not null
),

recency_references as (
    select * from {{ ref('int_rfm_thresholds') }}
    where metric = 'recency_days'
),

frequency_references as (
    select * from {{ ref('int_rfm_thresholds') }}
    where metric = 'frequency_count'
),

monetary_references as (
    select * from {{ ref('int_rfm_thresholds') }}
    where metric = 'monetary_amount'
),

-- today's values against the lines of the date before: what changes from here on is the line, not the customer
measured_by_previous_lines as (
    select
        states.*,
        {{ is_high('states.recency_days', 'recency_references', best='low') }} as was_recency_high,
        {{ is_high('states.frequency_count', 'frequency_references') }} as was_frequency_high,
        {{ is_high('states.monetary_amount', 'monetary_references') }} as was_monetary_high
    from states
    left join recency_references on states.previous_as_of_date = recency_references.as_of_date
    left join frequency_references on states.previous_as_of_date = frequency_references.as_of_date
    left join monetary_references on states.previous_as_of_date = monetary_references.as_of_date
),

classified as (
    select
        measured_by_previous_lines.*,
        coalesce(classes.value_class, 'no_purchase') as value_class,
        coalesce(classes.value_class_rank, 0) as value_class_rank,
        case
            when measured_by_previous_lines.previous_as_of_date is null then null
            else coalesce(previous_classes.value_class, 'no_purchase')
        end as value_class_with_previous_lines,
        case
            when measured_by_previous_lines.previous_as_of_date is null then null
            else coalesce(previous_classes.value_class_rank, 0)
        end as value_class_rank_with_previous_lines
    from measured_by_previous_lines
    left join value_classes as classes
        on
            measured_by_previous_lines.is_recency_high = classes.is_recency_high
            and measured_by_previous_lines.is_frequency_high = classes.is_frequency_high
            and measured_by_previous_lines.is_monetary_high = classes.is_monetary_high
    left join value_classes as previous_classes
        on
            measured_by_previous_lines.is_buyer
            and measured_by_previous_lines.was_recency_high = previous_classes.is_recency_high
            and measured_by_previous_lines.was_frequency_high = previous_classes.is_frequency_high
            and measured_by_previous_lines.was_monetary_high = previous_classes.is_monetary_high
)

select * from classified
