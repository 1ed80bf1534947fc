{#
    Protects what a text is taken for when it should be an amount: the same on every engine, rounded half away from zero.
    An engine that reads digits with underscores, or infinity, would count money that another rejects.
#}
{%- set cases = [
    ('12.5', '12.5000'),
    (' 12.5 ', '12.5000'),
    ('-12', '-12.0000'),
    ('+5', '5.0000'),
    ('.5', '0.5000'),
    ('5.', '5.0000'),
    ('1e3', '1000.0000'),
    ('1.5E-2', '0.0150'),
    ('1.00005', '1.0001'),
    ('-1.00005', '-1.0001'),
    ('1.00004999', '1.0000'),
    ('99999999999999.9999', '99999999999999.9999'),
    ('99999999999999.99995', none),
    ('100000000000000', none),
    ('1e20', none),
    ('1_000', none),
    ('1,000', none),
    ('0x10', none),
    ('inf', none),
    ('nan', none),
    ('12.5.1', none),
    ('CNY 12', none),
    ('-', none),
    ('.', none),
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
        cast({{ try_amount('given') }} as {{ dbt.type_string() }}) as found
    from cases
),

failures as (
    select * from read_by_this_engine
    where found is distinct from expected
)

select * from failures
