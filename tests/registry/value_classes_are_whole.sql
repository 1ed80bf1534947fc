{#
    Protects the seed value_classes: each of the eight combinations of high and low has one class, and the two classes
    beside the eight (no_purchase, newly_known) are there.
    With a class missing, its customers would look as if they had not bought at all; with one twice, they would double.
#}
{%- set sentences %}
with

value_classes as (
    select * from {{ ref('value_classes') }}
),

high_or_low as (
    select * from (
        values
        (true),
        (false)
    ) as listed (is_high)
),

combinations as (
    select
        recency.is_high as is_recency_high,
        frequency.is_high as is_frequency_high,
        monetary.is_high as is_monetary_high
    from high_or_low as recency
    cross join high_or_low as frequency
    cross join high_or_low as monetary
),

class_counts as (
    select
        combinations.is_recency_high,
        combinations.is_frequency_high,
        combinations.is_monetary_high,
        count(value_classes.value_class) as class_count
    from combinations
    left join value_classes
        on
            combinations.is_recency_high = value_classes.is_recency_high
            and combinations.is_frequency_high = value_classes.is_frequency_high
            and combinations.is_monetary_high = value_classes.is_monetary_high
    group by combinations.is_recency_high, combinations.is_frequency_high, combinations.is_monetary_high
),

beside_the_eight as (
    select * from (
        values
        ('no_purchase'),
        ('newly_known')
    ) as listed (value_class)
),

sentences as (
    select concat(
        'The seed value_classes has ', class_counts.class_count, ' classes for recency ',
        case when class_counts.is_recency_high then 'high' else 'low' end, ', frequency ',
        case when class_counts.is_frequency_high then 'high' else 'low' end, ', monetary ',
        case when class_counts.is_monetary_high then 'high' else 'low' end, ', where there must be one. Fix its rows in ',
        'seeds/value_classes.csv.'
    ) as sentence
    from class_counts
    where class_counts.class_count != 1

    union all

    select concat(
        'The seed value_classes has no row ', beside_the_eight.value_class, ', the class of customers who stand in none of the ',
        'eight. Add it to seeds/value_classes.csv, with the three highs left empty.'
    ) as sentence
    from beside_the_eight
    left join value_classes on beside_the_eight.value_class = value_classes.value_class
    where value_classes.value_class is null

    union all

    select concat(
        'The seed value_classes has a class ', value_classes.value_class, ' without all three highs, so that no customer can be ',
        'in it. Fill in is_recency_high, is_frequency_high and is_monetary_high in seeds/value_classes.csv, or take it out.'
    ) as sentence
    from value_classes
    left join beside_the_eight on value_classes.value_class = beside_the_eight.value_class
    where
        beside_the_eight.value_class is null
        and (
            value_classes.is_recency_high is null
            or value_classes.is_frequency_high is null
            or value_classes.is_monetary_high is null
        )
)

select sentence from sentences
order by sentence
{%- endset -%}

{{ stop_with_message(sentences) }}
