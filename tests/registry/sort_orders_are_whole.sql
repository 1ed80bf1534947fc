{#
    Protects the order in which people read: within a column of labels, among the turning-point types and among the value
    classes each place is taken once and none is left out.
    Two stages in one place would swap from report to report; a rank left out would make a step between two classes look
    like two steps.
#}
{%- set sentences %}
with

places as (
    select
        'labels' as seed,
        concat('sort_order of ', column_name) as place_of,
        sort_order as place,
        1 as first_place
    from {{ ref('labels') }}

    union all

    select
        'critical/turning_point_types' as seed,
        'sort_order' as place_of,
        sort_order as place,
        1 as first_place
    from {{ ref('turning_point_types') }}

    union all

    -- the classes beside the eight stand below them: no_purchase at 0, newly_known at -1
    select
        'segments/value_classes' as seed,
        'value_class_rank' as place_of,
        value_class_rank as place,
        -1 as first_place
    from {{ ref('value_classes') }}
),

numbered as (
    select
        seed,
        place_of,
        place,
        first_place - 1 + row_number() over (
            partition by seed, place_of
            order by place
        ) as expected_place
    from places
),

sentences as (
    select concat(
        'The seed ', seed, ' has ', place, ' in ', place_of, ' where ', min(expected_place), ' would come next. Number the rows ',
        'without a gap and each number once in seeds/', seed, '.csv.'
    ) as sentence
    from numbered
    where place is distinct from expected_place
    group by seed, place_of, place
)

select sentence from sentences
order by sentence
{%- endset -%}

{{ stop_with_message(sentences) }}
