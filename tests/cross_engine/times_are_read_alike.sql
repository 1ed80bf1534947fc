{#
    Protects what a text is taken for when it should be a time: the same on every engine.
    An engine that is more lenient would accept rows that another rejects, and one that rounds would move a purchase made at
    the end of a day into the next.
#}
{%- set cases = [
    ('2024-01-05', '2024-01-05 00:00:00'),
    ('2024/1/5 8:26', '2024-01-05 08:26:00'),
    (' 2024-01-05T08:26:07 ', '2024-01-05 08:26:07'),
    ('2024-01-05 08:26:07.250', '2024-01-05 08:26:07.25'),
    ('2024-01-05 23:59:59.9999996', '2024-01-05 23:59:59.999999'),
    ('2024-01-05 08:26:07.123456789', '2024-01-05 08:26:07.123456'),
    ('2024-01-05T08:26:07Z', '2024-01-05 08:26:07'),
    ('2024-01-05 08:26:07 UTC', '2024-01-05 08:26:07'),
    ('2024-01-05T08:26:07+08:00', '2024-01-05 00:26:07'),
    ('2024-01-05 08:26:07+0800', '2024-01-05 00:26:07'),
    ('2024/01/05 08:26-05', '2024-01-05 13:26:00'),
    ('2024-01-05 08:26Z', '2024-01-05 08:26:00'),
    ('2024-02-29', '2024-02-29 00:00:00'),
    ('2000-02-29', '2000-02-29 00:00:00'),
    ('0001-01-01', '0001-01-01 00:00:00'),
    ('1900-02-29', none),
    ('0000-02-29', none),
    ('2023-02-29', none),
    ('2100-02-29', none),
    ('2024-04-31', none),
    ('2024-13-01', none),
    ('2024-00-10', none),
    ('2024-01-05 24:00:00', none),
    ('2024-01-05 10:60', none),
    ('2024-01-05 10', none),
    ('2024-01-05T', none),
    ('2024-01-05 10:00 Asia/Shanghai', none),
    ('2024 01 05', none),
    ('05.01.2024', none),
    ('05/01/2024', none),
    ('20240105', none),
    ('24-01-05', none),
    ('0000-01-05', none),
    ('10000-01-05', none),
    ('infinity', none),
    ('now', none),
    ('', none),
    (none, none)
] %}

with

cases as ({{ cases_as_rows(cases) }}
),

read_by_this_engine as (
    select
        given,
        expected,
        cast({{ try_timestamp('given') }} as {{ dbt.type_string() }}) as found,
        cast({{ try_date('given') }} as {{ dbt.type_string() }}) as found_date
    from cases
),

-- the day of a time is the one that is written, whatever its offset
failures as (
    select * from read_by_this_engine
    where
        found is distinct from expected
        or (found_date is null) != (expected is null)
        or (given not like '%+08%' and given not like '%-05' and found_date != substring(expected, 1, 10))
)

select * from failures
