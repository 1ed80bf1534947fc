{#
    Protects the bank's own lines: where rfm_score_method is fixed, each metric has rfm_score_bins - 1 cut points that
    ascend; where value_class_reference is fixed, each metric has its line.
    With a cut point missing no customer could reach the score above it; with a line missing there would be no classes.
#}
{%- set bins = var('rfm_score_bins') -%}

{%- set sentences %}
with

metrics as (
    select * from (
        values
        ('recency_days'),
        ('frequency_count'),
        ('monetary_amount')
    ) as listed (metric)
),

cut_numbers as (
    select cast(numbers.generated_number as integer) as cut_number
    from ({{ dbt.generate_series(bins - 1) }}) as numbers
),

cut_points as (
    select
        metric,
        cut_number,
        cut_point,
        lag(cut_point) over (
            partition by metric
            order by cut_number
        ) as previous_cut_point
    from {{ ref('rfm_fixed_cut_points') }}
    where '{{ var("rfm_score_method") }}' = 'fixed'
),

fixed_references as (
    select metric
    from {{ ref('rfm_fixed_references') }}
),

sentences as (
    select concat(
        'The seed rfm_fixed_cut_points has no cut point ', cut_numbers.cut_number, ' for ', metrics.metric, ': with the vars ',
        'rfm_score_method = fixed and rfm_score_bins = {{ bins }} each metric needs the cut points 1 to {{ bins - 1 }}. Add it to ',
        'seeds/rfm_fixed_cut_points.csv, or change the vars.'
    ) as sentence
    from metrics
    cross join cut_numbers
    left join cut_points
        on
            metrics.metric = cut_points.metric
            and cut_numbers.cut_number = cut_points.cut_number
    where
        '{{ var("rfm_score_method") }}' = 'fixed'
        and cut_points.cut_point is null

    union all

    select concat(
        'The seed rfm_fixed_cut_points has a cut point ', cut_points.cut_number, ' for ', cut_points.metric, ', which rfm_score_bins ',
        '= {{ bins }} does not use. Take it out of seeds/rfm_fixed_cut_points.csv, fix its metric, or change the var.'
    ) as sentence
    from cut_points
    left join metrics on cut_points.metric = metrics.metric
    left join cut_numbers on cut_points.cut_number = cut_numbers.cut_number
    where metrics.metric is null or cut_numbers.cut_number is null

    union all

    select concat(
        'In the seed rfm_fixed_cut_points the cut point ', cut_points.cut_number, ' of ', cut_points.metric, ' is not above the one ',
        'before it. Let the cut points of a metric ascend in seeds/rfm_fixed_cut_points.csv.'
    ) as sentence
    from cut_points
    where cut_points.cut_point <= cut_points.previous_cut_point

    union all

    select concat(
        'The seed rfm_fixed_references has no line for ', metrics.metric, ', which the var value_class_reference = fixed asks for. ',
        'Add it to seeds/rfm_fixed_references.csv, or change the var.'
    ) as sentence
    from metrics
    left join fixed_references on metrics.metric = fixed_references.metric
    where
        '{{ var("value_class_reference") }}' = 'fixed'
        and fixed_references.metric is null
)

select sentence from sentences
order by sentence
{%- endset -%}

{{ stop_with_message(sentences) }}
