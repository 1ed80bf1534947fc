{{ config(meta={'partition_column': 'as_of_date'}) }}

-- Written after all tables of states, so a date that stands here is whole.
-- depends_on: {{ ref('int_turning_points_unioned') }}
-- depends_on: {{ ref('int_segment_counts') }}
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

builds as (
    select
        as_of_date,
        data_last_changed_at,
        '{{ state_settings() | join("; ") }}' as built_with
    from as_of_dates
)

select * from builds
