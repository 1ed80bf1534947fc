{#
    Protects texts that the project puts together: rows as JSON, lists in an order, the order itself. The key of a rejected
    record is a hash of such a text, so that one blank more would make it another record.
#}
with

texts as (
    select
        cast('a"b' as {{ dbt.type_string() }}) as text_1,
        cast('临界 / é' as {{ dbt.type_string() }}) as text_2,
        cast(null as {{ dbt.type_string() }}) as text_3,
        concat('tab', chr(9), 'feed', chr(11)) as text_4
),

letters as (
    select
        'b' as letter,
        2 as place
    union all
    select
        'B' as letter,
        1 as place
    union all
    select
        'a' as letter,
        3 as place
),

ranked as (
    select
        letter,
        place,
        row_number() over (order by {{ in_byte_order('letter') }}) as byte_rank
    from letters
),

together as (
    select
        {{ ordered_listagg('letter', ' | ', 'place') }} as joined_letters,
        max(case when byte_rank = 1 then letter end) as first_letter
    from ranked
),

found as (
    select
        {{ row_as_json([
            ['first', 'texts.text_1'], ['second', 'texts.text_2'], ['none', 'texts.text_3'], ['control', 'texts.text_4']
        ]) }} as json_row,
        together.joined_letters,
        together.first_letter
    from texts
    cross join together
),

failures as (
    select * from found
    where
        -- a backslash in a literal means something else to each engine
        json_row is distinct from concat(
            '{"first":"a', chr(92), '"b","second":"临界 / é","none":null,"control":"tab', chr(92), 'tfeed', chr(92), 'u000B"}'
        )
        or joined_letters is distinct from 'B | b | a'
        or first_letter is distinct from 'B'
)

select * from failures
