{#
    Protects how repeated keys are found: a key that arrives twice has one digest, whatever it is made of, or its versions
    would never be compared and both be kept.
#}
with

given_keys as (
    {{ cases_as_rows([
        ['', ''], ['T1', 'T1'], ['临界 é', '临界 é'], ['a longer key than fits beside its length', 'a longer key than fits beside its length'],
        ['T2', 'T1'], ['t1', 'T1'], ['1T', 'T1'], ['T1 ', 'T1'],
    ]) }}
),

failures as (
    select * from given_keys
    where ({{ hash_key('given') }} = {{ hash_key('expected') }}) is distinct from (given = expected)
)

select * from failures
