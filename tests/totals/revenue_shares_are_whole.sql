{#
    Protects the concentration of revenue: the ABC classes hold every buyer and all of the buyers' money, no class begins
    above the end of a better one, and the shares are parts of one.
    Buyers without a class, or equal customers parted by a line, would make the bank look more or less concentrated.
#}
with

buyers_by_class as (
    select
        as_of_date,
        abc_class,
        count(*) as customer_count,
        sum(monetary_amount) as monetary_amount,
        max(monetary_amount) as largest_monetary_amount
    from {{ ref('int_customer_states') }}
    where is_buyer
    group by as_of_date, abc_class
),

buyers as (
    select
        as_of_date,
        sum(customer_count) as customer_count,
        sum(monetary_amount) as monetary_amount
    from buyers_by_class
    group by as_of_date
),

concentration as (
    select * from {{ ref('revenue_concentration') }}
),

concentrated as (
    select
        as_of_date,
        sum(customer_count) as customer_count,
        sum(monetary_amount) as monetary_amount,
        sum(customer_share) as customer_share,
        sum(monetary_share) as monetary_share
    from concentration
    group by as_of_date
),

failures as (
    select
        'the classes are not all buyers' as fault,
        concentrated.as_of_date,
        buyers.customer_count as expected_count,
        concentrated.customer_count,
        buyers.monetary_amount as expected_amount,
        concentrated.monetary_amount
    from concentrated
    left join buyers on concentrated.as_of_date = buyers.as_of_date
    where
        concentrated.customer_count != coalesce(buyers.customer_count, 0)
        or concentrated.monetary_amount != coalesce(buyers.monetary_amount, 0)
        or abs(concentrated.customer_share - case when buyers.customer_count > 0 then 1 else 0 end) > 0.000000001
        or abs(concentrated.monetary_share - case when buyers.monetary_amount != 0 then 1 else 0 end) > 0.000000001

    union all

    select
        'a class begins above the end of a better one' as fault,
        better.as_of_date,
        null as expected_count,
        buyers_by_class.customer_count,
        better.smallest_monetary_amount as expected_amount,
        buyers_by_class.largest_monetary_amount as monetary_amount
    from concentration as better
    inner join concentration as worse
        on
            better.as_of_date = worse.as_of_date
            and better.abc_class_sort < worse.abc_class_sort
    inner join buyers_by_class
        on
            worse.as_of_date = buyers_by_class.as_of_date
            and worse.abc_class = buyers_by_class.abc_class
    where buyers_by_class.largest_monetary_amount >= better.smallest_monetary_amount
)

select * from failures
