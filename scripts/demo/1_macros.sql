-- What every step draws its numbers with. Variables: seed, customers, history_from, end_date,
-- last_date, silent_date, choices (from the name of a list to its entries,
-- repeated by weight) and rates (from a currency to its rate in CNY).

-- A number from 0 up to 1 that depends on its arguments and the seed alone: on no clock, thread or
-- row order. The outer hash breaks the pattern that the combined hash of neighbouring numbers has.
create macro chance(customer_number, purpose, number) as
    (
        hash(
            hash(
                getvariable('seed'),
                cast(customer_number as bigint),
                purpose,
                cast(number as bigint)
            )
        ) >> 11
    ) / 9007199254740992.0;

-- A standard normal number (Box-Muller).
create macro bell(customer_number, purpose, number) as
    sqrt(-2 * ln(1 - chance(customer_number, purpose || ' radius', number)))
    * cos(2 * pi() * chance(customer_number, purpose || ' angle', number));

-- A whole number between two, both included.
create macro whole_between(lowest, highest, chance) as
    cast(lowest + floor((highest - lowest + 1) * chance) as integer);

-- An entry of a list of choices.csv.
create macro pick(list_name, chance) as
    getvariable('choices')[list_name][
        1 + cast(floor(len(getvariable('choices')[list_name]) * chance) as integer)
    ];

-- A UTC time on a business day of Shanghai: people are busy around noon and in the evening.
create macro time_on(activity_date, customer_number, purpose, number) as
    activity_date
    + cast(
        case when chance(customer_number, purpose || ' peak', number) < 0.45 then 12 else 19 end
        * 3600
        + 4.9 * 3600 * (
            chance(customer_number, purpose || ' before', number)
            - chance(customer_number, purpose || ' after', number)
        )
        - 8 * 3600 as integer
    ) * interval '1' second;

-- Ids are numbers in a fixed width, so that they sort and never meet. A customer has up to 100,000
-- of each kind.
create macro customer_key(customer_number) as 'C' || (10000000 + customer_number);
create macro event_key(letter, customer_number, number) as
    letter || (10000000000000 + customer_number * 100000 + number);

-- Money as an export writes it.
create macro money(amount) as cast(cast(amount as decimal(18, 2)) as varchar);

-- The delivery that brings what was ready on a day: all of the history comes at its end, and what
-- was ready on the day without a delivery comes with the next one.
create macro arrival_date(ready_on) as
    case
        when ready_on <= getvariable('end_date') then getvariable('end_date')
        when ready_on = getvariable('silent_date') then ready_on + 1
        else ready_on
    end;
