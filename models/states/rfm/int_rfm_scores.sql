with

states as (
    select * from {{ ref('int_population') }}
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

-- only buyers of the window are scored; the others have nothing to compare
scored as (
    select
        states.*,
        case when states.is_buyer then {{ rfm_score('states.recency_days', 'recency_references', best='low') }} end
            as recency_score,
        case when states.is_buyer then {{ rfm_score('states.frequency_count', 'frequency_references') }} end
            as frequency_score,
        case when states.is_buyer then {{ rfm_score('states.monetary_amount', 'monetary_references') }} end
            as monetary_score,
        case when states.is_buyer then {{ is_high('states.recency_days', 'recency_references', best='low') }} end
            as is_recency_high,
        case when states.is_buyer then {{ is_high('states.frequency_count', 'frequency_references') }} end
            as is_frequency_high,
        case when states.is_buyer then {{ is_high('states.monetary_amount', 'monetary_references') }} end
            as is_monetary_high
    from states
    left join recency_references on states.as_of_date = recency_references.as_of_date
    left join frequency_references on states.as_of_date = frequency_references.as_of_date
    left join monetary_references on states.as_of_date = monetary_references.as_of_date
)

select * from scored
