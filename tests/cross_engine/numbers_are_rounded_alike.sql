{#
    Protects lines, amounts, quantiles and what a person reads of them: rounded and divided in one way on every engine.
    A line that is off by its last digit puts a customer who stands on it on the other side.
#}
with

numbers as (
    select cast(1 as bigint) as given_number
    union all
    select cast(2 as bigint) as given_number
    union all
    select cast(4 as bigint) as given_number
    union all
    select cast(10 as bigint) as given_number
),

aggregated as (
    select
        {{ to_threshold(quantile('given_number', 0.5)) }} as median_value,
        {{ to_threshold(quantile('given_number', 0.25)) }} as lower_value,
        {{ to_threshold(list_element(quantile_list('given_number', [0.25, 0.9]), 1)) }} as first_of_quantiles,
        {{ to_threshold(list_element(quantile_list('given_number', [0.25, 0.9]), 2)) }} as second_of_quantiles,
        {{ discrete_quantile('given_number', 0.5) }} as discrete_median,
        {{ to_threshold(average('given_number')) }} as mean_value,
        {{ to_threshold(ratio('sum(given_number)', '0')) }} as no_ratio,
        {{ to_threshold(ratio('sum(given_number)', '3')) }} as third
    from numbers
),

single as (
    select
        cast({{ to_threshold('cast(1234567.123456785 as ' ~ double_type() ~ ')') }} as {{ dbt.type_string() }}) as usual_line,
        cast({{ to_threshold('cast(12345678901.2345 as ' ~ double_type() ~ ')') }} as {{ dbt.type_string() }}) as large_line,
        {{ in_base_currency('cast(99999999.9999 as decimal(18, 4))', 'cast(7.12345678 as decimal(18, 8))') }} as in_base,
        {{ format_number('cast(1234567.25 as decimal(18, 4))', 1) }} as one_decimal,
        {{ format_number('cast(0.5 as decimal(18, 4))', 0) }} as half,
        {{ format_number('cast(-1234.5 as decimal(18, 4))', 0) }} as below_zero
),

failures as (
    select
        aggregated.*,
        single.*
    from aggregated
    cross join single
    where
        aggregated.median_value is distinct from 3
        or aggregated.lower_value is distinct from 1.75
        or aggregated.first_of_quantiles is distinct from 1.75
        or aggregated.second_of_quantiles is distinct from 8.2
        or aggregated.discrete_median is distinct from 2
        or aggregated.mean_value is distinct from 4.25
        or aggregated.no_ratio is not null
        or aggregated.third is distinct from 5.66666667
        or single.usual_line is distinct from '1234567.12345678'
        or single.large_line is distinct from '12345678901.23450089'
        or single.in_base is distinct from 712345677.9993
        or single.one_decimal is distinct from '1,234,567.3'
        or single.half is distinct from '1'
        or single.below_zero is distinct from '-1,235'
)

select * from failures
