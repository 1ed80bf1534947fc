{{ config(meta={'partitioned_by': 'as_of_date'}) }}

-- depends on every table of states, so that it is written only when all of them are
-- depends_on: {{ ref('int_turning_points_unioned') }}
-- depends_on: {{ ref('int_segment_counts') }}

with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

built as (
    select
        as_of_date,
        data_last_changed_at,
        '{{ state_settings() | join("; ") }}' as built_with
    from as_of_dates
)

select * from built
