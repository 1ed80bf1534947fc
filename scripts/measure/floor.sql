-- The floor: the marts from the raw tables as directly as one script can make them, for the defaults of dbt_project.yml.
--
-- Reads raw.* and the seeds, writes the ten marts into schema floor: eight tables, and two views (customer_states,
-- turning_points) over the tables states and found_turning_points, which hold what dbt stores for them. Every raw row is
-- validated once; no run after the first, no tests, no other engine and no other settings are provided for. It must give
-- what the models give, row for row; tests/python/test_floor.py compares them.
--
-- The variable seed_folder must be set before: where the CSV files of the seeds lie.

set variable earliest_valid_date = date '1990-01-01';
set variable never_loaded = timestamp '1970-01-01';
set variable day_pattern =
    '(([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])[-/]'
    || '((0?[13578]|1[02])[-/]((0?[1-9]|1[0-9]|2[0-8])|29|30|31)'
    || '|(0?[469]|11)[-/]((0?[1-9]|1[0-9]|2[0-8])|29|30)|0?2[-/](0?[1-9]|1[0-9]|2[0-8]))'
    || '|([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)[-/]0?2[-/]29)';
set variable time_pattern = '[ T]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?';
set variable zone_pattern = '(Z| UTC|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)';
set variable local_pattern =
    '[ \t]*' || getvariable('day_pattern') || '(' || getvariable('time_pattern') || ')?[ \t]*';
set variable zoned_pattern =
    '[ \t]*' || getvariable('day_pattern') || getvariable('time_pattern') || getvariable('zone_pattern') || '[ \t]*';
set variable birthday_pattern =
    '[ \t]*' || getvariable('day_pattern')
    || '(' || getvariable('time_pattern') || getvariable('zone_pattern') || '?)?[ \t]*';

create temp macro clean_text(given) as nullif(trim(given), '');
create temp macro clean_code(given) as lower(nullif(trim(given), ''));
create temp macro is_broken(given) as contains(given, '�');
create temp macro read_amount(given) as
    case when not contains(given, '_') then try_cast(given as decimal(18, 4)) end;
create temp macro read_time(given) as
    case
        when regexp_full_match(given, getvariable('local_pattern')) then cast(given as timestamp)
        when regexp_full_match(given, getvariable('zoned_pattern'))
            then timezone('UTC', cast(given as timestamptz))
    end;
create temp macro business_date(utc) as cast(timezone('Asia/Shanghai', timezone('UTC', utc)) as date);
create temp macro date_fault(business_day, loaded_at) as
    case
        when business_day < getvariable('earliest_valid_date') then 'date_out_of_range'
        when loaded_at > getvariable('never_loaded') and business_day > business_date(loaded_at) then 'date_in_future'
    end;
create temp macro ratio(part, whole) as cast(part as double) / nullif(cast(whole as double), 0);
-- a line is rounded half up to its eighth decimal, before and behind the point apart
create temp macro to_threshold(exact) as
    cast(
        cast(floor(cast(exact as double)) as bigint)
        + cast(floor((cast(exact as double) - floor(cast(exact as double))) * 1e8 + 0.5) as bigint)
        * cast(0.00000001 as decimal(8, 8))
        as decimal(28, 8)
    );
create temp macro usual_of_days(year_total, days) as to_threshold(ratio(year_total * days, 365));
create temp macro strength(share) as greatest(0.0::double, least(1.0::double, share));

create schema floor;

-- ---- seeds ------------------------------------------------------------------------------------------------------------

create temp table transaction_types as from read_csv(getvariable('seed_folder') || '/input/transaction_types.csv');
create temp table transaction_statuses as from read_csv(getvariable('seed_folder') || '/input/transaction_statuses.csv');
create temp table interaction_types as from read_csv(getvariable('seed_folder') || '/input/interaction_types.csv');
create temp table feedback_types as from read_csv(getvariable('seed_folder') || '/input/feedback_types.csv');
create temp table mention_types as from read_csv(getvariable('seed_folder') || '/input/mention_types.csv');
create temp table rejection_reasons as from read_csv(getvariable('seed_folder') || '/input/rejection_reasons.csv');
create temp table strategies as
from read_csv(getvariable('seed_folder') || '/actions/strategies.csv', types = {'within_days': 'integer'});
-- a rate holds until the next one of its currency
create temp table exchange_rates as
select
    from_currency as currency,
    valid_from_date,
    lead(valid_from_date, 1, date '9999-12-31') over (
        partition by from_currency
        order by valid_from_date
    ) as valid_before_date,
    rate as rate_to_base
from read_csv(
    getvariable('seed_folder') || '/input/exchange_rates.csv',
    types = {'valid_from_date': 'date', 'rate': 'decimal(18, 8)'}
)
where to_currency = 'CNY'
union all
select 'CNY', date '0001-01-01', date '9999-12-31', 1;

-- those that the two views read stay
create table floor.labels as
from read_csv(getvariable('seed_folder') || '/labels.csv', types = {'sort_order': 'integer'});
create table floor.value_classes as
from read_csv(getvariable('seed_folder') || '/segments/value_classes.csv', types = {'value_class_rank': 'integer'});
create table floor.units as
from read_csv(getvariable('seed_folder') || '/critical/units.csv', types = {'decimals': 'integer'});
create table floor.turning_point_types as
from read_csv(
    getvariable('seed_folder') || '/critical/turning_point_types.csv',
    types = {'sort_order': 'integer', 'weight': 'decimal(4, 2)', 'cooldown_days': 'integer'}
);

-- ---- raw rows: typed and validated in one look at each table -------------------------------------------------------------

-- of what fails and of what repeats, the content; reason_code is null where a row is accepted
create temp table transactions as
with

typed as (
    select
        raw_rows.*,
        clean_text(raw_rows.transaction_id) as record_key,
        clean_text(raw_rows.customer_id) as customer_key,
        read_time(raw_rows.occurred_at) as occurred_at_utc,
        read_amount(raw_rows.amount) as row_amount,
        read_amount(raw_rows.profit_amount) as row_profit_amount,
        coalesce(raw_rows.loaded_at, getvariable('never_loaded')) as arrived_at
    from raw.transactions as raw_rows
),

dated as (
    select
        *,
        business_date(occurred_at_utc) as activity_date
    from typed
),

validated as (
    select
        dated.*,
        repeated_keys.record_key is not null as is_repeated,
        coalesce(transaction_types.is_purchase and transaction_statuses.is_counted, false) as is_purchase,
        coalesce(transaction_types.is_return and transaction_statuses.is_counted, false) as is_return,
        exchange_rates.rate_to_base,
        case
            when dated.record_key is null then 'missing_key'
            when dated.customer_key is null then 'missing_customer'
            when is_broken(dated.record_key) or is_broken(dated.customer_key) then 'broken_text'
            when dated.occurred_at_utc is null then 'invalid_timestamp'
            when date_fault(dated.activity_date, dated.arrived_at) is not null
                then date_fault(dated.activity_date, dated.arrived_at)
            when dated.row_amount is null then 'invalid_amount'
            when dated.row_profit_amount is null and clean_text(dated.profit_amount) is not null then 'invalid_amount'
            when abs(dated.row_amount) > 1000000000 then 'amount_out_of_range'
            when dated.row_amount < 0 then 'negative_amount'
            when transaction_types.transaction_type is null then 'unknown_type'
            when transaction_statuses.transaction_status is null then 'unknown_status'
            when exchange_rates.currency is null then 'unknown_currency'
        end as reason_code
    from dated
    left join transaction_types on clean_code(dated.transaction_type) = transaction_types.transaction_type
    left join transaction_statuses
        on coalesce(clean_code(dated.status), 'completed') = transaction_statuses.transaction_status
    left join exchange_rates
        on
            coalesce(upper(clean_text(dated.currency)), 'CNY') = exchange_rates.currency
            and dated.activity_date >= exchange_rates.valid_from_date
            and dated.activity_date < exchange_rates.valid_before_date
    left join (
        select clean_text(transaction_id) as record_key
        from raw.transactions
        group by clean_text(transaction_id)
        having count(*) > 1
    ) as repeated_keys on dated.record_key = repeated_keys.record_key
)

select
    case when is_repeated or reason_code is not null then record_key end as record_key,
    customer_key as customer_id,
    activity_date,
    is_purchase,
    is_return,
    case
        when reason_code is null
            then if(rate_to_base = 1, row_amount, cast(cast(row_amount as decimal(28, 4)) * rate_to_base as decimal(18, 4)))
    end as amount,
    case
        when reason_code is null
            then if(
                rate_to_base = 1,
                row_profit_amount,
                cast(cast(row_profit_amount as decimal(28, 4)) * rate_to_base as decimal(18, 4))
            )
    end as profit_amount,
    if(is_purchase, clean_text(order_id), null) as order_id,
    reason_code,
    is_repeated,
    case
        when is_repeated or reason_code is not null
            then cast(to_json({
                'transaction_id': transaction_id, 'customer_id': customer_id, 'occurred_at': occurred_at,
                'amount': amount, 'transaction_type': transaction_type, 'currency': currency, 'order_id': order_id,
                'account_id': account_id, 'product_code': product_code, 'channel': channel, 'status': status,
                'profit_amount': profit_amount
            }) as varchar)
    end as content,
    content as shown_content,
    arrived_at as loaded_at
from validated;

create temp table registrations as
with

typed as (
    select
        raw_rows.*,
        clean_text(raw_rows.customer_id) as record_key,
        case
            when regexp_full_match(raw_rows.birth_date, getvariable('birthday_pattern'))
                then cast(raw_rows.birth_date as date)
        end as birthday,
        read_time(raw_rows.registered_at) as registered_at_utc,
        business_date(read_time(raw_rows.registered_at)) as registered_date,
        coalesce(raw_rows.loaded_at, getvariable('never_loaded')) as arrived_at
    from raw.customers as raw_rows
),

validated as (
    select
        typed.*,
        repeated_keys.record_key is not null as is_repeated,
        case
            when typed.record_key is null then 'missing_key'
            when is_broken(typed.record_key) then 'broken_text'
            when typed.birthday is null and clean_text(typed.birth_date) is not null then 'invalid_timestamp'
            when typed.registered_at_utc is null and clean_text(typed.registered_at) is not null
                then 'invalid_timestamp'
            when clean_text(typed.updated_at) is not null and read_time(typed.updated_at) is null
                then 'invalid_timestamp'
            else date_fault(typed.registered_date, typed.arrived_at)
        end as reason_code
    from typed
    left join (
        select clean_text(customer_id) as record_key
        from raw.customers
        group by clean_text(customer_id)
        having count(*) > 1
    ) as repeated_keys on typed.record_key = repeated_keys.record_key
)

select
    record_key,
    record_key as customer_id,
    clean_text(customer_name)[1] || '**' as masked_name,
    cast(floor(extract(year from birthday) / 10.0) * 10 as integer) as birth_decade,
    clean_code(gender) as gender,
    clean_text(city) as city,
    clean_text(acquisition_channel) as acquisition_channel,
    clean_text(relationship_manager_id) as relationship_manager_id,
    registered_date,
    reason_code,
    is_repeated,
    case
        when is_repeated
            then cast(to_json({
                'customer_id': customer_id, 'customer_name': customer_name, 'phone': phone, 'email': email,
                'id_number': id_number, 'birth_date': birth_date, 'gender': gender, 'city': city,
                'acquisition_channel': acquisition_channel, 'relationship_manager_id': relationship_manager_id,
                'registered_at': registered_at, 'updated_at': updated_at
            }) as varchar)
    end as content,
    case
        when is_repeated or reason_code is not null
            then cast(to_json({
                'customer_id': customer_id, 'customer_name': if(customer_name is null, null, '***'),
                'phone': if(phone is null, null, '***'), 'email': if(email is null, null, '***'),
                'id_number': if(id_number is null, null, '***'), 'birth_date': if(birth_date is null, null, '***'),
                'gender': gender, 'city': city, 'acquisition_channel': acquisition_channel,
                'relationship_manager_id': relationship_manager_id, 'registered_at': registered_at,
                'updated_at': updated_at
            }) as varchar)
    end as shown_content,
    arrived_at as loaded_at
from validated;

create temp table interactions as
with

typed as (
    select
        raw_rows.*,
        clean_text(raw_rows.interaction_id) as record_key,
        clean_text(raw_rows.customer_id) as customer_key,
        read_time(raw_rows.occurred_at) as occurred_at_utc,
        coalesce(clean_code(raw_rows.direction), 'inbound') as direction_code,
        coalesce(raw_rows.loaded_at, getvariable('never_loaded')) as arrived_at
    from raw.interactions as raw_rows
),

dated as (
    select
        *,
        business_date(occurred_at_utc) as activity_date
    from typed
),

validated as (
    select
        dated.*,
        repeated_keys.record_key is not null as is_repeated,
        interaction_types.is_contact,
        interaction_types.shows_intent,
        case
            when dated.record_key is null then 'missing_key'
            when dated.customer_key is null then 'missing_customer'
            when is_broken(dated.record_key) or is_broken(dated.customer_key) then 'broken_text'
            when dated.occurred_at_utc is null then 'invalid_timestamp'
            when date_fault(dated.activity_date, dated.arrived_at) is not null
                then date_fault(dated.activity_date, dated.arrived_at)
            when interaction_types.interaction_type is null then 'unknown_type'
            when dated.direction_code not in ('inbound', 'outbound') then 'unknown_direction'
        end as reason_code
    from dated
    left join interaction_types on clean_code(dated.interaction_type) = interaction_types.interaction_type
    left join (
        select clean_text(interaction_id) as record_key
        from raw.interactions
        group by clean_text(interaction_id)
        having count(*) > 1
    ) as repeated_keys on dated.record_key = repeated_keys.record_key
)

select
    case when is_repeated or reason_code is not null then record_key end as record_key,
    customer_key as customer_id,
    activity_date,
    direction_code = 'inbound' as is_inbound,
    is_contact,
    shows_intent,
    reason_code,
    is_repeated,
    case
        when is_repeated or reason_code is not null
            then cast(to_json({
                'interaction_id': interaction_id, 'customer_id': customer_id, 'occurred_at': occurred_at,
                'interaction_type': interaction_type, 'channel': channel, 'direction': direction, 'outcome': outcome,
                'staff_id': staff_id, 'campaign_id': campaign_id
            }) as varchar)
    end as content,
    content as shown_content,
    arrived_at as loaded_at
from validated;

create temp table feedback as
with

typed as (
    select
        raw_rows.*,
        clean_text(raw_rows.feedback_id) as record_key,
        clean_text(raw_rows.customer_id) as customer_key,
        read_time(raw_rows.occurred_at) as occurred_at_utc,
        read_time(raw_rows.resolved_at) as resolved_at_utc,
        read_amount(raw_rows.rating) as rating_given,
        case
            when clean_text(raw_rows.rating_scale) is null then 5
            else read_amount(raw_rows.rating_scale)
        end as best_rating,
        coalesce(raw_rows.loaded_at, getvariable('never_loaded')) as arrived_at
    from raw.feedback as raw_rows
),

dated as (
    select
        *,
        business_date(occurred_at_utc) as activity_date
    from typed
),

validated as (
    select
        dated.*,
        repeated_keys.record_key is not null as is_repeated,
        feedback_types.is_complaint or coalesce(dated.rating_given <= dated.best_rating * 0.4, false) as is_complaint,
        case
            when dated.record_key is null then 'missing_key'
            when dated.customer_key is null then 'missing_customer'
            when is_broken(dated.record_key) or is_broken(dated.customer_key) then 'broken_text'
            when dated.occurred_at_utc is null then 'invalid_timestamp'
            when date_fault(dated.activity_date, dated.arrived_at) is not null
                then date_fault(dated.activity_date, dated.arrived_at)
            when feedback_types.feedback_type is null then 'unknown_type'
            when dated.rating_given is null and clean_text(dated.rating) is not null then 'invalid_rating'
            when dated.best_rating is null or dated.best_rating <= 1 then 'invalid_rating'
            when dated.rating_given < 1 or dated.rating_given > dated.best_rating then 'invalid_rating'
            when dated.resolved_at_utc is null and clean_text(dated.resolved_at) is not null then 'invalid_timestamp'
            when dated.resolved_at_utc < dated.occurred_at_utc then 'resolved_before_occurred'
        end as reason_code
    from dated
    left join feedback_types on clean_code(dated.feedback_type) = feedback_types.feedback_type
    left join (
        select clean_text(feedback_id) as record_key
        from raw.feedback
        group by clean_text(feedback_id)
        having count(*) > 1
    ) as repeated_keys on dated.record_key = repeated_keys.record_key
)

select
    case when is_repeated or reason_code is not null then record_key end as record_key,
    customer_key as customer_id,
    activity_date,
    is_complaint,
    business_date(resolved_at_utc) as resolved_date,
    reason_code,
    is_repeated,
    case
        when is_repeated or reason_code is not null
            then cast(to_json({
                'feedback_id': feedback_id, 'customer_id': customer_id, 'occurred_at': occurred_at,
                'feedback_type': feedback_type, 'rating': rating, 'rating_scale': rating_scale, 'topic': topic,
                'resolved_at': resolved_at
            }) as varchar)
    end as content,
    content as shown_content,
    arrived_at as loaded_at
from validated;

create temp table social_mentions as
with

typed as (
    select
        raw_rows.*,
        clean_text(raw_rows.mention_id) as record_key,
        clean_text(raw_rows.customer_id) as customer_key,
        business_date(read_time(raw_rows.occurred_at)) as activity_date,
        coalesce(raw_rows.loaded_at, getvariable('never_loaded')) as arrived_at
    from raw.social_mentions as raw_rows
),

validated as (
    select
        typed.*,
        repeated_keys.record_key is not null as is_repeated,
        case
            when typed.record_key is null then 'missing_key'
            when typed.customer_key is null then 'missing_customer'
            when is_broken(typed.record_key) or is_broken(typed.customer_key) then 'broken_text'
            when typed.activity_date is null then 'invalid_timestamp'
            when date_fault(typed.activity_date, typed.arrived_at) is not null
                then date_fault(typed.activity_date, typed.arrived_at)
            when mention_types.mention_type is null then 'unknown_type'
        end as reason_code
    from typed
    left join mention_types on clean_code(typed.mention_type) = mention_types.mention_type
    left join (
        select clean_text(mention_id) as record_key
        from raw.social_mentions
        group by clean_text(mention_id)
        having count(*) > 1
    ) as repeated_keys on typed.record_key = repeated_keys.record_key
)

select
    case when is_repeated or reason_code is not null then record_key end as record_key,
    customer_key as customer_id,
    activity_date,
    clean_code(sentiment) = 'negative' as is_negative,
    reason_code,
    is_repeated,
    case
        when is_repeated or reason_code is not null
            then cast(to_json({
                'mention_id': mention_id, 'customer_id': customer_id, 'occurred_at': occurred_at,
                'platform': platform, 'mention_type': mention_type, 'sentiment': sentiment
            }) as varchar)
    end as content,
    content as shown_content,
    arrived_at as loaded_at
from validated;

-- of the versions of a row that could be read, the newest is kept; few rows, so they are looked at afterwards
create temp table older_versions as
with

versions as (
    select
        source,
        place,
        content,
        first_value(content) over newest_first as kept_content,
        row_number() over newest_first as version_number
    from (
        select 'transactions' as source, rowid as place, record_key, content, loaded_at
        from transactions where is_repeated and reason_code is null
        union all
        select 'registrations', rowid, record_key, content, loaded_at
        from registrations where is_repeated and reason_code is null
        union all
        select 'interactions', rowid, record_key, content, loaded_at
        from interactions where is_repeated and reason_code is null
        union all
        select 'feedback', rowid, record_key, content, loaded_at
        from feedback where is_repeated and reason_code is null
        union all
        select 'social_mentions', rowid, record_key, content, loaded_at
        from social_mentions where is_repeated and reason_code is null
    )
    window newest_first as (
        partition by source, record_key
        order by loaded_at desc, content desc
    )
)

select
    source,
    place,
    if(content = kept_content, 'exact_duplicate', 'superseded') as reason_code
from versions
where version_number > 1;

update transactions set reason_code = older_versions.reason_code from older_versions
where older_versions.source = 'transactions' and transactions.rowid = older_versions.place;
update registrations set reason_code = older_versions.reason_code from older_versions
where older_versions.source = 'registrations' and registrations.rowid = older_versions.place;
update interactions set reason_code = older_versions.reason_code from older_versions
where older_versions.source = 'interactions' and interactions.rowid = older_versions.place;
update feedback set reason_code = older_versions.reason_code from older_versions
where older_versions.source = 'feedback' and feedback.rowid = older_versions.place;
update social_mentions set reason_code = older_versions.reason_code from older_versions
where older_versions.source = 'social_mentions' and social_mentions.rowid = older_versions.place;

-- ---- what did not get in ----------------------------------------------------------------------------------------------

create table floor.rejected_records as
with

records as (
    select 'transactions' as table_name, record_key, customer_id, reason_code, shown_content, loaded_at
    from transactions where reason_code is not null
    union all
    select 'customers', record_key, customer_id, reason_code, shown_content, loaded_at
    from registrations where reason_code is not null
    union all
    select 'interactions', record_key, customer_id, reason_code, shown_content, loaded_at
    from interactions where reason_code is not null
    union all
    select 'feedback', record_key, customer_id, reason_code, shown_content, loaded_at
    from feedback where reason_code is not null
    union all
    select 'social_mentions', record_key, customer_id, reason_code, shown_content, loaded_at
    from social_mentions where reason_code is not null
),

numbered as (
    select
        *,
        row_number() over (
            partition by table_name, loaded_at, reason_code, shown_content
            order by record_key
        ) as copy_number
    from records
)

select
    md5(concat(
        numbered.table_name, '|', numbered.loaded_at, '|', numbered.reason_code, '|', numbered.shown_content, '|',
        numbered.copy_number
    )) as rejected_record_id,
    numbered.table_name,
    numbered.record_key,
    numbered.customer_id,
    rejection_reasons.record_status,
    numbered.reason_code,
    rejection_reasons.label_en as reason_en,
    rejection_reasons.label_zh as reason_zh,
    rejection_reasons.fix_en,
    rejection_reasons.fix_zh,
    numbered.shown_content as raw_content,
    numbered.loaded_at
from numbered
inner join rejection_reasons on numbered.reason_code = rejection_reasons.reason_code;

create table floor.data_quality_summary as
with

records_by_arrival as (
    select 'transactions' as table_name, loaded_at, reason_code, count(*) as record_count
    from transactions group by all
    union all
    select 'customers', loaded_at, reason_code, count(*) from registrations group by all
    union all
    select 'interactions', loaded_at, reason_code, count(*) from interactions group by all
    union all
    select 'feedback', loaded_at, reason_code, count(*) from feedback group by all
    union all
    select 'social_mentions', loaded_at, reason_code, count(*) from social_mentions group by all
),

records_by_reason as (
    select
        table_name,
        business_date(loaded_at) as loaded_date,
        reason_code,
        cast(sum(record_count) as bigint) as record_count
    from records_by_arrival
    group by all
)

select
    records_by_reason.table_name,
    records_by_reason.loaded_date,
    coalesce(rejection_reasons.record_status, 'accepted') as record_status,
    coalesce(records_by_reason.reason_code, 'accepted') as reason_code,
    coalesce(rejection_reasons.label_en, 'accepted') as reason_en,
    coalesce(rejection_reasons.label_zh, '已接受') as reason_zh,
    records_by_reason.record_count,
    ratio(
        records_by_reason.record_count,
        sum(records_by_reason.record_count) over (
            partition by records_by_reason.table_name, records_by_reason.loaded_date
        )
    ) as record_share
from records_by_reason
left join rejection_reasons on records_by_reason.reason_code = rejection_reasons.reason_code;

-- ---- activity ---------------------------------------------------------------------------------------------------------

-- by customer and day, as a day is what frequency counts and what the 14 dates look at; in the order of customers, so that
-- grouping by them stays within caches
create temp table daily_purchases as
select
    customer_id,
    activity_date,
    if(bool_or(is_purchase), activity_date, null) as purchase_date,
    -- a purchase without an order is an order of its own
    cast(
        list_unique(list(order_id)) + count(*) filter (where is_purchase and order_id is null)
        as integer
    ) as order_count,
    cast(coalesce(sum(amount) filter (where is_purchase), 0) as decimal(18, 4)) as gross_amount,
    cast(coalesce(sum(amount) filter (where is_return), 0) as decimal(18, 4)) as returned_amount,
    cast(sum(if(is_purchase, amount, -amount)) as decimal(18, 4)) as net_amount,
    cast(sum(profit_amount) as decimal(18, 4)) as profit_amount
from transactions
where reason_code is null and (is_purchase or is_return)
group by customer_id, activity_date
order by customer_id;

create temp table known_customers as
with

first_activity as (
    select customer_id, min(activity_date) as seen_date from transactions where reason_code is null group by all
    union all
    select customer_id, min(activity_date) from interactions where reason_code is null group by all
    union all
    select customer_id, min(activity_date) from feedback where reason_code is null group by all
    union all
    select customer_id, min(activity_date) from social_mentions where reason_code is null group by all
    union all
    -- a registration without a date is as old as the register
    select customer_id, coalesce(registered_date, getvariable('earliest_valid_date'))
    from registrations where reason_code is null
),

first_seen as (
    select customer_id, min(seen_date) as known_since_date
    from first_activity
    group by customer_id
),

first_purchases as (
    select customer_id, min(purchase_date, 2) as purchase_dates
    from daily_purchases
    group by customer_id
)

select
    first_seen.customer_id,
    first_seen.known_since_date,
    first_purchases.purchase_dates[1] as first_purchase_date,
    first_purchases.purchase_dates[2] as second_purchase_date,
    registrations.customer_id is not null as is_registered,
    registrations.masked_name,
    registrations.birth_decade,
    registrations.gender,
    registrations.city,
    registrations.acquisition_channel,
    registrations.relationship_manager_id,
    registrations.registered_date
from first_seen
left join first_purchases on first_seen.customer_id = first_purchases.customer_id
left join registrations on first_seen.customer_id = registrations.customer_id and registrations.reason_code is null;

-- ---- as-of dates: the last complete business day and the 13 month-ends before it --------------------------------------

create table floor.as_of_dates as
with

arrivals as (
    select max(loaded_at) as arrived_at from transactions where reason_code is null
    union all
    select max(loaded_at) from registrations where reason_code is null
    union all
    select max(loaded_at) from interactions where reason_code is null
    union all
    select max(loaded_at) from feedback where reason_code is null
    union all
    select max(loaded_at) from social_mentions where reason_code is null
),

days as (
    select min(activity_date) as first_date, max(activity_date) as last_date
    from transactions where reason_code is null
),

current_day as (
    select
        least(
            last_date,
            (select business_date(max(arrived_at)) - 1 from arrivals where arrived_at > getvariable('never_loaded'))
        ) as as_of_date,
        first_date
    from days
),

spine as (
    select as_of_date from current_day
    union all
    select last_day(cast(current_day.as_of_date - to_months(months_back) as date)) as month_end
    from current_day
    cross join range(1, 14) as months(months_back)
    where month_end >= current_day.first_date
)

select
    spine.as_of_date,
    lag(spine.as_of_date) over (order by spine.as_of_date) as previous_as_of_date,
    spine.as_of_date = current_day.as_of_date as is_current,
    spine.as_of_date = last_day(spine.as_of_date) as is_month_end
from spine
cross join current_day;

-- ---- states -----------------------------------------------------------------------------------------------------------

create temp table purchase_metrics as
with

aged_purchases as (
    select
        daily_purchases.*,
        as_of_dates.as_of_date,
        as_of_dates.as_of_date - daily_purchases.activity_date as age_days
    from floor.as_of_dates as as_of_dates
    cross join daily_purchases
    where as_of_dates.as_of_date - daily_purchases.activity_date >= 0
)

select
    customer_id,
    as_of_date,
    max(purchase_date) as last_purchase_date,
    cast(count(purchase_date) as integer) as purchase_day_count,
    cast(sum(net_amount) as decimal(18, 4)) as lifetime_net_amount,
    cast(count(purchase_date) filter (where age_days < 365) as integer) as frequency_count,
    cast(coalesce(sum(order_count) filter (where age_days < 365), 0) as integer) as order_count,
    cast(coalesce(sum(gross_amount) filter (where age_days < 365), 0) as decimal(18, 4)) as gross_amount,
    cast(coalesce(sum(returned_amount) filter (where age_days < 365), 0) as decimal(18, 4)) as returned_amount,
    cast(coalesce(sum(net_amount) filter (where age_days < 365), 0) as decimal(18, 4)) as monetary_amount,
    cast(sum(profit_amount) filter (where age_days < 365) as decimal(18, 4)) as profit_amount,
    cast(coalesce(sum(net_amount) filter (where age_days < 182), 0) as decimal(18, 4)) as net_amount_half,
    cast(coalesce(sum(net_amount) filter (where age_days >= 182 and age_days < 364), 0) as decimal(18, 4))
        as net_amount_half_before,
    cast(coalesce(sum(net_amount) filter (where age_days < 90), 0) as decimal(18, 4)) as net_amount_value_drop,
    cast(coalesce(sum(net_amount) filter (where age_days >= 90 and age_days < 455), 0) as decimal(18, 4))
        as net_amount_value_drop_year,
    cast(count(purchase_date) filter (where age_days >= 90 and age_days < 455) as integer)
        as purchase_day_count_value_drop_year,
    min(purchase_date) filter (where age_days < 30) as returned_on_date,
    max(purchase_date) filter (where age_days >= 30) as purchase_before_return_date
from aged_purchases
group by customer_id, as_of_date;

-- every line of an as-of date in one row
create temp table lines as
with

buyers as (
    select
        as_of_date,
        as_of_date - last_purchase_date as recency_days,
        frequency_count,
        monetary_amount,
        sum(monetary_amount) over largest_first as cumulative_amount,
        row_number() over largest_first_by_row as place,
        sum(monetary_amount) over of_date as total_amount,
        count(*) over of_date as buyer_count
    from purchase_metrics
    where frequency_count > 0
    -- equal amounts stand together, so that they fall into one class
    window
        largest_first as (
            partition by as_of_date
            order by monetary_amount desc
            range between unbounded preceding and current row
        ),
        largest_first_by_row as (
            partition by as_of_date
            order by monetary_amount desc
        ),
        of_date as (partition by as_of_date)
),

lines_of_buyers as (
    select
        as_of_date,
        quantile_cont(cast(recency_days as double), [0.2, 0.4, 0.6, 0.8]) as recency_cuts,
        quantile_cont(cast(frequency_count as double), [0.2, 0.4, 0.6, 0.8]) as frequency_cuts,
        quantile_cont(cast(monetary_amount as double), [0.2, 0.4, 0.6, 0.8, 0.5]) as monetary_cuts,
        to_threshold(ratio(sum(recency_days), count(*))) as recency_reference,
        to_threshold(ratio(sum(frequency_count), count(*))) as frequency_reference,
        to_threshold(ratio(sum(monetary_amount), count(*))) as monetary_reference,
        min(monetary_amount) filter (where total_amount > 0 and cumulative_amount <= 0.80 * total_amount)
            as abc_a_line_amount,
        min(monetary_amount) filter (where total_amount > 0 and cumulative_amount <= 0.95 * total_amount)
            as abc_b_line_amount,
        sum(monetary_amount) filter (where place <= ceil(0.2 * cast(buyer_count as hugeint))) as top_fifth_amount
    from buyers
    group by as_of_date
),

lines_of_lifetimes as (
    select
        purchase_metrics.as_of_date,
        to_threshold(quantile_cont(cast(purchase_metrics.lifetime_net_amount as double), 0.8)) as top_fifth_line_amount,
        to_threshold(ratio(
            sum(purchase_metrics.last_purchase_date - known_customers.first_purchase_date),
            sum(purchase_metrics.purchase_day_count - 1)
        )) as pooled_mean_gap_days,
        quantile_disc(
            known_customers.second_purchase_date - known_customers.first_purchase_date, [0.25, 0.75]
        ) filter (where purchase_metrics.purchase_day_count > 1) as second_gap_days
    from purchase_metrics
    inner join known_customers on purchase_metrics.customer_id = known_customers.customer_id
    where purchase_metrics.purchase_day_count > 0
    group by purchase_metrics.as_of_date
),

lines_by_date as (
    select
        as_of_dates.*,
        to_threshold(lines_of_buyers.recency_cuts[1]) as recency_cut_1,
        to_threshold(lines_of_buyers.recency_cuts[2]) as recency_cut_2,
        to_threshold(lines_of_buyers.recency_cuts[3]) as recency_cut_3,
        to_threshold(lines_of_buyers.recency_cuts[4]) as recency_cut_4,
        to_threshold(lines_of_buyers.frequency_cuts[1]) as frequency_cut_1,
        to_threshold(lines_of_buyers.frequency_cuts[2]) as frequency_cut_2,
        to_threshold(lines_of_buyers.frequency_cuts[3]) as frequency_cut_3,
        to_threshold(lines_of_buyers.frequency_cuts[4]) as frequency_cut_4,
        to_threshold(lines_of_buyers.monetary_cuts[1]) as monetary_cut_1,
        to_threshold(lines_of_buyers.monetary_cuts[2]) as monetary_cut_2,
        to_threshold(lines_of_buyers.monetary_cuts[3]) as monetary_cut_3,
        to_threshold(lines_of_buyers.monetary_cuts[4]) as monetary_cut_4,
        lines_of_buyers.recency_reference,
        lines_of_buyers.frequency_reference,
        lines_of_buyers.monetary_reference,
        180 as churn_line_days,
        lines_of_lifetimes.pooled_mean_gap_days,
        cast(lines_of_lifetimes.second_gap_days[1] as integer) as second_gap_lower_days,
        cast(lines_of_lifetimes.second_gap_days[2] as integer) as second_gap_upper_days,
        lines_of_lifetimes.top_fifth_line_amount,
        to_threshold(lines_of_buyers.monetary_cuts[4]) as high_value_line_amount,
        to_threshold(lines_of_buyers.monetary_cuts[5]) as mid_value_line_amount,
        lines_of_buyers.abc_a_line_amount,
        lines_of_buyers.abc_b_line_amount,
        cast(lines_of_buyers.top_fifth_amount as decimal(18, 4)) as top_fifth_amount
    from floor.as_of_dates as as_of_dates
    left join lines_of_buyers on as_of_dates.as_of_date = lines_of_buyers.as_of_date
    left join lines_of_lifetimes on as_of_dates.as_of_date = lines_of_lifetimes.as_of_date
)

select
    *,
    lag(recency_reference) over by_date as previous_recency_reference,
    lag(frequency_reference) over by_date as previous_frequency_reference,
    lag(monetary_reference) over by_date as previous_monetary_reference
from lines_by_date
window by_date as (order by as_of_date);

create table floor.states as
with

value_classes as (
    select * from floor.value_classes
    where is_recency_high is not null
),

aged_interactions as (
    select
        interactions.*,
        as_of_dates.as_of_date,
        as_of_dates.as_of_date - interactions.activity_date as age_days
    from floor.as_of_dates as as_of_dates
    cross join interactions
    where as_of_dates.as_of_date - interactions.activity_date >= 0 and interactions.reason_code is null
),

interaction_metrics as (
    select
        customer_id,
        as_of_date,
        max(activity_date) filter (where is_inbound) as last_interaction_date,
        count(*) filter (where is_inbound and age_days < 60) as interaction_count_faded,
        count(*) filter (where is_inbound and age_days >= 60 and age_days < 425) as interaction_count_faded_year,
        count(*) filter (where is_inbound and age_days < 30) as interaction_count_surge,
        count(*) filter (where is_inbound and age_days >= 30 and age_days < 395) as interaction_count_surge_year,
        count(*) filter (where is_contact) as contact_count,
        count(*) filter (where is_inbound and shows_intent) as intent_count
    from aged_interactions
    group by customer_id, as_of_date
),

complaints_measured as (
    select
        feedback.customer_id,
        as_of_dates.as_of_date,
        max(feedback.activity_date) as last_complaint_date,
        -- what was settled after the as-of date was open on it
        max(feedback.activity_date) filter (
            where feedback.resolved_date is null or feedback.resolved_date > as_of_dates.as_of_date
        ) as last_unresolved_complaint_date
    from floor.as_of_dates as as_of_dates
    inner join feedback
        on
            as_of_dates.as_of_date >= feedback.activity_date
            and feedback.activity_date > as_of_dates.as_of_date - 60
    where feedback.reason_code is null and feedback.is_complaint
    group by feedback.customer_id, as_of_dates.as_of_date
),

-- everyone known by the as-of date has a state on it, bought or not
measured as (
    select
        known_customers.customer_id,
        lines.*,
        known_customers.known_since_date,
        cast(lines.as_of_date - known_customers.known_since_date as integer) as known_days,
        known_customers.is_registered and coalesce(known_customers.registered_date <= lines.as_of_date, true)
            as is_registered,
        if(known_customers.first_purchase_date <= lines.as_of_date, known_customers.first_purchase_date, null)
            as first_purchase_date,
        if(known_customers.second_purchase_date <= lines.as_of_date, known_customers.second_purchase_date, null)
            as second_purchase_date,
        purchase_metrics.last_purchase_date,
        cast(lines.as_of_date - purchase_metrics.last_purchase_date as integer) as recency_days,
        coalesce(purchase_metrics.purchase_day_count, 0) as purchase_day_count,
        coalesce(purchase_metrics.lifetime_net_amount, 0) as lifetime_net_amount,
        coalesce(purchase_metrics.frequency_count, 0) as frequency_count,
        coalesce(purchase_metrics.order_count, 0) as order_count,
        coalesce(purchase_metrics.gross_amount, 0) as gross_amount,
        coalesce(purchase_metrics.returned_amount, 0) as returned_amount,
        coalesce(purchase_metrics.monetary_amount, 0) as monetary_amount,
        purchase_metrics.profit_amount,
        coalesce(purchase_metrics.net_amount_half, 0) as net_amount_half,
        coalesce(purchase_metrics.net_amount_half_before, 0) as net_amount_half_before,
        coalesce(purchase_metrics.net_amount_value_drop, 0) as net_amount_value_drop,
        coalesce(purchase_metrics.net_amount_value_drop_year, 0) as net_amount_value_drop_year,
        coalesce(purchase_metrics.purchase_day_count_value_drop_year, 0) as purchase_day_count_value_drop_year,
        purchase_metrics.returned_on_date,
        purchase_metrics.purchase_before_return_date,
        coalesce(purchase_metrics.frequency_count > 0, false) as is_buyer,
        coalesce(
            purchase_metrics.returned_on_date - purchase_metrics.purchase_before_return_date
            > lines.churn_line_days,
            false
        ) as is_reactivated,
        -- the pooled gap stands in for two purchases more, so that two purchases do not make a habit
        to_threshold(ratio(
            purchase_metrics.last_purchase_date - known_customers.first_purchase_date
            + 2 * lines.pooled_mean_gap_days,
            purchase_metrics.purchase_day_count + 1
        )) as usual_gap_days
    from lines
    cross join known_customers
    left join purchase_metrics
        on
            known_customers.customer_id = purchase_metrics.customer_id
            and lines.as_of_date = purchase_metrics.as_of_date
    -- a condition: of a join on dates too few rows are expected, and wide ones go into hash tables
    where lines.as_of_date - known_customers.known_since_date >= 0
),

placed as (
    select
        *,
        case
            when is_buyer
                then 5
                    - (recency_cut_1 < recency_days)::integer - (recency_cut_2 < recency_days)::integer
                    - (recency_cut_3 < recency_days)::integer - (recency_cut_4 < recency_days)::integer
        end as recency_score,
        case
            when is_buyer
                then 1
                    + (frequency_cut_1 < frequency_count)::integer + (frequency_cut_2 < frequency_count)::integer
                    + (frequency_cut_3 < frequency_count)::integer + (frequency_cut_4 < frequency_count)::integer
        end as frequency_score,
        case
            when is_buyer
                then 1
                    + (monetary_cut_1 < monetary_amount)::integer + (monetary_cut_2 < monetary_amount)::integer
                    + (monetary_cut_3 < monetary_amount)::integer + (monetary_cut_4 < monetary_amount)::integer
        end as monetary_score,
        if(is_buyer, recency_days <= recency_reference, null) as is_recency_high,
        if(is_buyer, frequency_count > frequency_reference, null) as is_frequency_high,
        if(is_buyer, monetary_amount > monetary_reference, null) as is_monetary_high,
        -- today's values against the lines of the date before
        if(is_buyer, recency_days <= previous_recency_reference, null) as was_recency_high,
        if(is_buyer, frequency_count > previous_frequency_reference, null) as was_frequency_high,
        if(is_buyer, monetary_amount > previous_monetary_reference, null) as was_monetary_high,
        case
            when not is_buyer then 'none'
            when monetary_amount >= abc_a_line_amount then 'a'
            when monetary_amount >= abc_b_line_amount then 'b'
            else 'c'
        end as abc_class,
        case
            when not is_buyer then 'none'
            when monetary_amount > high_value_line_amount then 'high'
            when monetary_amount > mid_value_line_amount then 'mid'
            else 'low'
        end as value_level,
        case
            when purchase_day_count = 0 then 'potential'
            when recency_days > churn_line_days then 'churned'
            when purchase_day_count = 1 then 'first_purchase'
            else 'repeat'
        end as lifecycle_stage,
        purchase_day_count >= 10 and lifetime_net_amount > top_fifth_line_amount as is_super
    from measured
),

moved as (
    select
        placed.*,
        coalesce(classes.value_class, 'no_purchase') as value_class,
        coalesce(classes.value_class_rank, 0) as value_class_rank,
        case when placed.previous_as_of_date is not null then coalesce(previous_classes.value_class, 'no_purchase') end
            as value_class_with_previous_lines,
        case when placed.previous_as_of_date is not null then coalesce(previous_classes.value_class_rank, 0) end
            as value_class_rank_with_previous_lines,
        case
            when placed.lifecycle_stage = 'potential' then 'steady'
            when placed.first_purchase_date > placed.as_of_date - 30 then 'new'
            when placed.is_reactivated then 'reactivated'
            when placed.lifecycle_stage != 'churned' and placed.recency_days > 2 * placed.usual_gap_days then 'at_risk'
            when placed.net_amount_half_before <= 0 then 'steady'
            when placed.net_amount_half >= 1.25 * placed.net_amount_half_before then 'growing'
            when placed.net_amount_half <= 0.75 * placed.net_amount_half_before then 'declining'
            else 'steady'
        end as movement
    from placed
    left join value_classes as classes
        on
            placed.is_recency_high = classes.is_recency_high
            and placed.is_frequency_high = classes.is_frequency_high
            and placed.is_monetary_high = classes.is_monetary_high
    left join value_classes as previous_classes
        on
            placed.was_recency_high = previous_classes.is_recency_high
            and placed.was_frequency_high = previous_classes.is_frequency_high
            and placed.was_monetary_high = previous_classes.is_monetary_high
)

select
    moved.customer_id,
    moved.as_of_date,
    moved.is_current,
    moved.is_month_end,
    moved.previous_as_of_date,
    moved.is_registered,
    moved.known_since_date,
    moved.known_days,
    moved.first_purchase_date,
    moved.last_purchase_date,
    moved.purchase_day_count,
    moved.lifetime_net_amount,
    moved.recency_days,
    moved.frequency_count,
    moved.monetary_amount,
    moved.order_count,
    moved.gross_amount,
    moved.returned_amount,
    moved.profit_amount,
    moved.recency_score,
    moved.frequency_score,
    moved.monetary_score,
    moved.is_recency_high,
    moved.is_frequency_high,
    moved.is_monetary_high,
    moved.value_class,
    moved.value_class_rank,
    moved.value_class_with_previous_lines,
    moved.value_class_rank_with_previous_lines,
    moved.abc_class,
    moved.value_level,
    moved.lifecycle_stage,
    case moved.lifecycle_stage
        when 'potential' then moved.known_since_date
        when 'churned' then moved.last_purchase_date + moved.churn_line_days + 1
        when 'first_purchase' then moved.first_purchase_date
        else if(moved.is_reactivated, moved.returned_on_date, moved.second_purchase_date)
    end as lifecycle_stage_since_date,
    moved.movement,
    moved.usual_gap_days,
    moved.churn_line_days,
    moved.second_gap_lower_days,
    moved.second_gap_upper_days,
    moved.top_fifth_line_amount,
    moved.net_amount_half,
    moved.net_amount_half_before,
    moved.net_amount_value_drop,
    moved.net_amount_value_drop_year,
    moved.purchase_day_count_value_drop_year,
    moved.returned_on_date,
    moved.purchase_before_return_date,
    case
        when moved.is_super then 'super'
        when moved.purchase_day_count > 1 then 'repeat'
        when moved.purchase_day_count = 1 then 'first'
        else 'new'
    end as ecommerce_stage,
    case
        when moved.is_super then 'super'
        when moved.purchase_day_count > 1 then 'repeat'
        when moved.purchase_day_count = 1 then 'first_order'
        when interaction_metrics.intent_count > 0 then 'intent'
        when interaction_metrics.contact_count > 0 then 'contacted'
        else 'stranger'
    end as consultative_stage,
    case moved.lifecycle_stage
        when 'potential' then 'potential'
        when 'churned' then 'churned'
        else 'active'
    end as relationship,
    interaction_metrics.last_interaction_date,
    cast(coalesce(interaction_metrics.interaction_count_faded, 0) as integer) as interaction_count_faded,
    cast(coalesce(interaction_metrics.interaction_count_faded_year, 0) as integer) as interaction_count_faded_year,
    cast(coalesce(interaction_metrics.interaction_count_surge, 0) as integer) as interaction_count_surge,
    cast(coalesce(interaction_metrics.interaction_count_surge_year, 0) as integer) as interaction_count_surge_year,
    cast(coalesce(interaction_metrics.contact_count, 0) as integer) as contact_count,
    cast(coalesce(interaction_metrics.intent_count, 0) as integer) as intent_count,
    complaints_measured.last_complaint_date,
    -- a complaint is open until it is resolved and a purchase has followed it
    case
        when
            moved.last_purchase_date is null
            or moved.last_purchase_date <= complaints_measured.last_complaint_date
            then complaints_measured.last_complaint_date
        else complaints_measured.last_unresolved_complaint_date
    end as open_complaint_date,
    -- who is known stays known, so the row before is the as-of date before
    lag(moved.value_class) over by_date as previous_value_class,
    lag(moved.value_class_rank) over by_date as previous_value_class_rank,
    lag(moved.lifecycle_stage) over by_date as previous_lifecycle_stage,
    lag(moved.movement) over by_date as previous_movement,
    lag(moved.recency_days) over by_date as previous_recency_days,
    lag(moved.monetary_amount) over by_date as previous_monetary_amount
from moved
left join interaction_metrics
    on
        moved.customer_id = interaction_metrics.customer_id
        and moved.as_of_date = interaction_metrics.as_of_date
left join complaints_measured
    on
        moved.customer_id = complaints_measured.customer_id
        and moved.as_of_date = complaints_measured.as_of_date
window by_date as (
    partition by moved.customer_id
    order by moved.as_of_date
);

create view floor.customer_states as
select
    states.customer_id,
    states.as_of_date,
    states.is_current,
    states.is_month_end,
    states.previous_as_of_date,
    states.is_registered,
    states.known_since_date,
    states.known_days,
    states.first_purchase_date,
    states.last_purchase_date,
    states.purchase_day_count,
    states.lifetime_net_amount,
    states.recency_days,
    states.frequency_count,
    states.monetary_amount,
    states.order_count,
    states.gross_amount,
    states.returned_amount,
    -- with the defaults, the amount of the window is the net amount, and the window a year
    states.monetary_amount as net_amount,
    states.profit_amount,
    states.monetary_amount as net_amount_365,
    states.recency_score,
    states.frequency_score,
    states.monetary_score,
    states.is_recency_high,
    states.is_frequency_high,
    states.is_monetary_high,
    states.value_class,
    states.value_class_rank,
    value_classes.label_en as value_class_en,
    value_classes.label_zh as value_class_zh,
    states.value_class_with_previous_lines,
    states.abc_class,
    abc_classes.sort_order as abc_class_sort,
    abc_classes.label_en as abc_class_en,
    abc_classes.label_zh as abc_class_zh,
    states.value_level,
    value_levels.sort_order as value_level_sort,
    value_levels.label_en as value_level_en,
    value_levels.label_zh as value_level_zh,
    states.lifecycle_stage,
    lifecycle_stages.sort_order as lifecycle_stage_sort,
    lifecycle_stages.label_en as lifecycle_stage_en,
    lifecycle_stages.label_zh as lifecycle_stage_zh,
    states.lifecycle_stage_since_date,
    states.movement,
    movements.sort_order as movement_sort,
    movements.label_en as movement_en,
    movements.label_zh as movement_zh,
    states.usual_gap_days,
    states.churn_line_days,
    states.net_amount_half,
    states.net_amount_half_before,
    states.ecommerce_stage,
    ecommerce_stages.sort_order as ecommerce_stage_sort,
    ecommerce_stages.label_en as ecommerce_stage_en,
    ecommerce_stages.label_zh as ecommerce_stage_zh,
    states.consultative_stage,
    consultative_stages.sort_order as consultative_stage_sort,
    consultative_stages.label_en as consultative_stage_en,
    consultative_stages.label_zh as consultative_stage_zh,
    states.relationship,
    relationships.sort_order as relationship_sort,
    relationships.label_en as relationship_en,
    relationships.label_zh as relationship_zh,
    states.last_interaction_date,
    states.contact_count,
    states.intent_count,
    states.last_complaint_date,
    states.open_complaint_date,
    states.previous_value_class,
    states.previous_lifecycle_stage,
    states.previous_movement,
    states.previous_recency_days,
    states.previous_monetary_amount
from floor.states as states
left join floor.value_classes as value_classes on states.value_class = value_classes.value_class
left join floor.labels as abc_classes
    on states.abc_class = abc_classes.code and abc_classes.column_name = 'abc_class'
left join floor.labels as value_levels
    on states.value_level = value_levels.code and value_levels.column_name = 'value_level'
left join floor.labels as lifecycle_stages
    on states.lifecycle_stage = lifecycle_stages.code and lifecycle_stages.column_name = 'lifecycle_stage'
left join floor.labels as movements
    on states.movement = movements.code and movements.column_name = 'movement'
left join floor.labels as ecommerce_stages
    on states.ecommerce_stage = ecommerce_stages.code and ecommerce_stages.column_name = 'ecommerce_stage'
left join floor.labels as consultative_stages
    on states.consultative_stage = consultative_stages.code and consultative_stages.column_name = 'consultative_stage'
left join floor.labels as relationships
    on states.relationship = relationships.code and relationships.column_name = 'relationship';

-- ---- turning points ---------------------------------------------------------------------------------------------------

create table floor.found_turning_points as
with

found as (
    select
        customer_id,
        as_of_date,
        'complained_while_valuable' as turning_point_type,
        cast(as_of_date - open_complaint_date as decimal(18, 4)) as observed_value,
        cast(60 as decimal(18, 4)) as reference_value,
        1 - ratio(as_of_date - open_complaint_date, 60) as strength,
        open_complaint_date as started_on
    from floor.states
    where open_complaint_date is not null and is_monetary_high

    union all

    select
        customer_id, as_of_date, 'slipping', recency_days, usual_gap_days, 1 - ratio(usual_gap_days, recency_days),
        last_purchase_date + cast(floor(2 * usual_gap_days) + 1 as integer)
    from floor.states
    where purchase_day_count >= 3 and recency_days > 2 * usual_gap_days and recency_days <= churn_line_days

    union all

    -- who still buys, and less
    select
        customer_id, as_of_date, 'value_drop', net_amount_value_drop, usual_amount,
        1 - ratio(net_amount_value_drop, usual_amount), as_of_date - 89
    from (
        select
            *,
            usual_of_days(net_amount_value_drop_year, 90) as usual_amount
        from floor.states
        where purchase_day_count_value_drop_year >= 4 and recency_days < 90
    )
    where usual_amount > 0 and net_amount_value_drop <= 0.5 * usual_amount

    union all

    select
        customer_id, as_of_date, 'dormant_high_value', recency_days, churn_line_days,
        1 - ratio(churn_line_days, recency_days), last_purchase_date + churn_line_days + 1
    from floor.states
    where recency_days > churn_line_days and lifetime_net_amount > top_fifth_line_amount

    union all

    -- the lines of the date before give the same verdict, so it is behaviour that moved the class
    select
        customer_id, as_of_date, 'class_fell', value_class_rank, previous_value_class_rank,
        1 - ratio(value_class_rank, previous_value_class_rank), previous_as_of_date + 1
    from floor.states
    where
        value_class_rank > 0 and value_class_rank < previous_value_class_rank
        and value_class_rank_with_previous_lines > 0
        and value_class_rank_with_previous_lines < previous_value_class_rank

    union all

    select
        customer_id, as_of_date, 'engagement_faded', interaction_count_faded, usual_count,
        1 - ratio(interaction_count_faded, usual_count), as_of_date - 59
    from (
        select
            *,
            usual_of_days(interaction_count_faded_year, 60) as usual_count
        from floor.states
        where interaction_count_faded_year >= 6
    )
    where interaction_count_faded <= 0.25 * usual_count

    union all

    select
        customer_id, as_of_date, 'came_back', returned_on_date - purchase_before_return_date, churn_line_days,
        1 - ratio(churn_line_days, returned_on_date - purchase_before_return_date), returned_on_date
    from floor.states
    where returned_on_date - purchase_before_return_date > churn_line_days

    union all

    select
        customer_id, as_of_date, 'second_purchase_window', recency_days, second_gap_upper_days,
        coalesce(ratio(recency_days, second_gap_upper_days), 1), first_purchase_date + second_gap_lower_days
    from floor.states
    where purchase_day_count = 1 and recency_days between second_gap_lower_days and second_gap_upper_days

    union all

    -- interest that has not led to a purchase yet
    select
        customer_id, as_of_date, 'engagement_surge', interaction_count_surge, usual_count,
        1 - ratio(usual_count, interaction_count_surge), as_of_date - 29
    from (
        select
            *,
            usual_of_days(interaction_count_surge_year, 30) as usual_count
        from floor.states
        where interaction_count_surge >= 3 and (recency_days is null or recency_days >= 30)
    )
    where interaction_count_surge >= 3 * usual_count

    union all

    select
        customer_id, as_of_date, 'class_rose', value_class_rank, previous_value_class_rank,
        1 - ratio(previous_value_class_rank, value_class_rank), previous_as_of_date + 1
    from floor.states
    where
        previous_value_class_rank > 0 and value_class_rank > previous_value_class_rank
        and value_class_rank_with_previous_lines > previous_value_class_rank

    union all

    select
        customer_id, as_of_date, 'shallow_recent', as_of_date - last_interaction_date, 30,
        1 - ratio(as_of_date - last_interaction_date, 30), last_interaction_date
    from floor.states
    where last_interaction_date > as_of_date - 30 and purchase_day_count <= 1 and known_days <= 180
)

select
    customer_id,
    as_of_date,
    turning_point_type,
    cast(observed_value as decimal(18, 4)) as observed_value,
    cast(reference_value as decimal(18, 4)) as reference_value,
    strength(strength) as strength,
    started_on
from found;

create macro floor.format_number(given, decimals) as
    if(
        decimals = 0,
        format('{:,.0f}', given::decimal(18, 0)::double),
        format('{:,.1f}', given::decimal(18, 1)::double)
    );

create view floor.explained_turning_points as
with

worded as (
    select
        found.*,
        as_of_dates.is_current,
        types.* exclude (turning_point_type),
        types.weight * found.strength as urgency,
        coalesce(
            observed_classes.label_en,
            replace(
                replace(
                    if(found.observed_value = 1, observed_units.one_en, observed_units.many_en),
                    '{currency}', 'CNY'
                ),
                '{n}', format_number(found.observed_value, observed_units.decimals)
            )
        ) as observed_en,
        coalesce(
            observed_classes.label_zh,
            replace(
                replace(
                    if(found.observed_value = 1, observed_units.one_zh, observed_units.many_zh),
                    '{currency}', 'CNY'
                ),
                '{n}', format_number(found.observed_value, observed_units.decimals)
            )
        ) as observed_zh,
        coalesce(
            reference_classes.label_en,
            replace(
                replace(
                    if(found.reference_value = 1, reference_units.one_en, reference_units.many_en),
                    '{currency}', 'CNY'
                ),
                '{n}', format_number(found.reference_value, reference_units.decimals)
            )
        ) as reference_en,
        coalesce(
            reference_classes.label_zh,
            replace(
                replace(
                    if(found.reference_value = 1, reference_units.one_zh, reference_units.many_zh),
                    '{currency}', 'CNY'
                ),
                '{n}', format_number(found.reference_value, reference_units.decimals)
            )
        ) as reference_zh
    from floor.found_turning_points as found
    inner join floor.as_of_dates as as_of_dates on found.as_of_date = as_of_dates.as_of_date
    inner join floor.turning_point_types as types on found.turning_point_type = types.turning_point_type
    inner join floor.units as observed_units on types.observed_unit = observed_units.unit
    inner join floor.units as reference_units on types.reference_unit = reference_units.unit
    left join floor.value_classes as observed_classes
        on observed_units.is_value_class and found.observed_value = observed_classes.value_class_rank
    left join floor.value_classes as reference_classes
        on reference_units.is_value_class and found.reference_value = reference_classes.value_class_rank
)

select
    * exclude (observed_en, observed_zh, reference_en, reference_zh, sentence_en, sentence_zh),
    -- is_current stands here so that the other dates are left out before they are ranked
    row_number() over (
        partition by customer_id, as_of_date, is_current
        order by cast(urgency as decimal(18, 8)) desc, sort_order
    ) as urgency_rank,
    replace(replace(replace(sentence_en, '{observed}', observed_en), '{reference}', reference_en), '{since}', started_on::varchar)
        as reason_en,
    replace(replace(replace(sentence_zh, '{observed}', observed_zh), '{reference}', reference_zh), '{since}', started_on::varchar)
        as reason_zh
from worded;

create view floor.turning_points as
select
    explained.customer_id,
    explained.as_of_date,
    explained.is_current,
    explained.turning_point_type,
    explained.sort_order as turning_point_type_sort,
    explained.label_en as turning_point_type_en,
    explained.label_zh as turning_point_type_zh,
    explained.direction,
    directions.label_en as direction_en,
    directions.label_zh as direction_zh,
    explained.perspective,
    senses.label_en as perspective_en,
    senses.label_zh as perspective_zh,
    explained.observed_value,
    explained.reference_value,
    explained.strength,
    explained.urgency,
    cast(explained.urgency_rank as integer) as urgency_rank,
    explained.started_on,
    explained.reason_en,
    explained.reason_zh,
    explained.cooldown_days
from floor.explained_turning_points as explained
left join floor.labels as directions
    on explained.direction = directions.code and directions.column_name = 'direction'
left join floor.labels as senses on explained.perspective = senses.code and senses.column_name = 'perspective';

-- ---- customers at a turning point now ---------------------------------------------------------------------------------

create table floor.critical_customers as
with

turning_points as (
    select * from floor.explained_turning_points
    where is_current
),

current_states as (
    select * from floor.states
    where is_current
),

-- 1 - the product of (1 - urgency): more reasons make a customer more urgent, and never more than wholly
critical as (
    select
        customer_id,
        cast(count(*) as integer) as turning_point_count,
        1 - exp(sum(ln(1 - urgency))) as urgency_together,
        arg_min(struct_pack(
            turning_point_type, sort_order, label_en, label_zh, direction, strength, started_on, reason_en, reason_zh,
            strategy_code, stake_basis
        ), urgency_rank) as most_urgent,
        string_agg(reason_en, ' | ' order by urgency_rank) as reasons_en,
        string_agg(reason_zh, ' | ' order by urgency_rank) as reasons_zh
    from turning_points
    group by customer_id
),

ranked_by_value as (
    select
        customer_id,
        cume_dist() over (order by lifetime_net_amount) as value_percentile
    from current_states
    where lifetime_net_amount > 0
),

class_medians as (
    select
        value_class,
        to_threshold(quantile_cont(cast(monetary_amount as double), 0.5)) as median_amount
    from current_states
    group by value_class
),

-- the best 365 days, of the few who are told by them
years as (
    select
        daily_purchases.customer_id,
        sum(daily_purchases.net_amount) over (
            partition by daily_purchases.customer_id
            order by daily_purchases.activity_date
            range between interval 364 days preceding and current row
        ) as year_amount
    from daily_purchases
    inner join critical on daily_purchases.customer_id = critical.customer_id
    cross join (select as_of_date from floor.as_of_dates where is_current) as current_day
    where critical.most_urgent.stake_basis = 'best_year' and daily_purchases.activity_date <= current_day.as_of_date
),

best_years as (
    select
        customer_id,
        greatest(max(year_amount), 0) as best_year_amount
    from years
    group by customer_id
),

weighed as (
    select
        critical.*,
        coalesce(ranked_by_value.value_percentile, 0) as value_percentile,
        cast(cast(
            100 * critical.urgency_together * (0.4 + (1 - 0.4) * coalesce(ranked_by_value.value_percentile, 0))
            as decimal(18, 8)
        ) as decimal(5, 2)) as criticality,
        cast(case critical.most_urgent.stake_basis
            when 'recent_year' then greatest(states.monetary_amount, 0)
            when 'best_year' then best_years.best_year_amount
            when 'class_aimed_at'
                then greatest(coalesce(class_medians.median_amount - states.monetary_amount, 0), 0)
        end as decimal(18, 4)) as value_at_stake_amount,
        value_classes.strategy_code as class_strategy_code
    from critical
    inner join current_states as states on critical.customer_id = states.customer_id
    inner join floor.value_classes as value_classes on states.value_class = value_classes.value_class
    left join class_medians on value_classes.aims_at_class = class_medians.value_class
    left join ranked_by_value on critical.customer_id = ranked_by_value.customer_id
    left join best_years on critical.customer_id = best_years.customer_id
)

select
    row_number() over (
        order by weighed.criticality desc, weighed.value_at_stake_amount desc nulls last, weighed.customer_id
    ) as criticality_rank,
    weighed.customer_id,
    states.as_of_date,
    known_customers.masked_name,
    known_customers.relationship_manager_id,
    states.is_registered,
    weighed.criticality,
    weighed.value_at_stake_amount,
    'CNY' as currency,
    weighed.value_percentile,
    weighed.turning_point_count,
    weighed.most_urgent.turning_point_type as most_urgent_type,
    weighed.most_urgent.sort_order as most_urgent_type_sort,
    weighed.most_urgent.label_en as most_urgent_type_en,
    weighed.most_urgent.label_zh as most_urgent_type_zh,
    weighed.most_urgent.direction,
    directions.label_en as direction_en,
    directions.label_zh as direction_zh,
    weighed.most_urgent.strength,
    weighed.most_urgent.started_on,
    weighed.most_urgent.reason_en,
    weighed.most_urgent.reason_zh,
    weighed.reasons_en,
    weighed.reasons_zh,
    type_strategies.strategy_code,
    type_strategies.next_step_en,
    type_strategies.next_step_zh,
    type_strategies.channel as next_channel,
    type_strategies.channel_en as next_channel_en,
    type_strategies.channel_zh as next_channel_zh,
    type_strategies.offer_en,
    type_strategies.offer_zh,
    type_strategies.within_days as act_within_days,
    states.as_of_date + type_strategies.within_days as act_by_date,
    class_strategies.next_step_en as class_next_step_en,
    class_strategies.next_step_zh as class_next_step_zh,
    states.value_class,
    states.value_class_rank,
    states.value_class_en,
    states.value_class_zh,
    states.lifecycle_stage,
    states.lifecycle_stage_sort,
    states.lifecycle_stage_en,
    states.lifecycle_stage_zh,
    states.movement,
    states.movement_sort,
    states.movement_en,
    states.movement_zh,
    states.last_purchase_date,
    states.recency_days,
    states.frequency_count,
    states.monetary_amount,
    states.lifetime_net_amount
from weighed
inner join floor.customer_states as states on weighed.customer_id = states.customer_id and states.is_current
inner join known_customers on weighed.customer_id = known_customers.customer_id
left join strategies as type_strategies on weighed.most_urgent.strategy_code = type_strategies.strategy_code
left join strategies as class_strategies on weighed.class_strategy_code = class_strategies.strategy_code
left join floor.labels as directions
    on weighed.most_urgent.direction = directions.code and directions.column_name = 'direction';

create table floor.customers as
with

current_day as (
    select as_of_date from floor.as_of_dates
    where is_current
),

interaction_totals as (
    select interactions.customer_id, count(*) as interaction_count
    from interactions
    cross join current_day
    where
        interactions.reason_code is null and interactions.is_inbound
        and interactions.activity_date > current_day.as_of_date - 365
        and interactions.activity_date <= current_day.as_of_date
    group by interactions.customer_id
),

feedback_totals as (
    select
        feedback.customer_id,
        count(*) as feedback_count,
        count(*) filter (where feedback.is_complaint) as complaint_count
    from feedback
    cross join current_day
    where feedback.reason_code is null and feedback.activity_date <= current_day.as_of_date
    group by feedback.customer_id
),

mention_totals as (
    select
        social_mentions.customer_id,
        count(*) as mention_count,
        count(*) filter (where social_mentions.is_negative) as negative_mention_count
    from social_mentions
    cross join current_day
    where social_mentions.reason_code is null and social_mentions.activity_date <= current_day.as_of_date
    group by social_mentions.customer_id
)

select
    states.customer_id,
    states.as_of_date,
    known_customers.masked_name,
    states.is_registered,
    known_customers.registered_date,
    known_customers.birth_decade,
    known_customers.gender,
    known_customers.city,
    known_customers.acquisition_channel,
    known_customers.relationship_manager_id,
    states.known_since_date,
    states.first_purchase_date,
    states.last_purchase_date,
    states.recency_days,
    states.frequency_count,
    states.monetary_amount,
    states.purchase_day_count,
    states.lifetime_net_amount,
    states.profit_amount,
    states.usual_gap_days,
    states.recency_score,
    states.frequency_score,
    states.monetary_score,
    states.value_class,
    states.value_class_rank,
    states.value_class_en,
    states.value_class_zh,
    states.previous_value_class,
    states.abc_class,
    states.value_level,
    states.lifecycle_stage,
    states.lifecycle_stage_sort,
    states.lifecycle_stage_en,
    states.lifecycle_stage_zh,
    states.lifecycle_stage_since_date,
    states.movement,
    states.movement_en,
    states.movement_zh,
    states.ecommerce_stage,
    states.consultative_stage,
    states.relationship,
    states.last_interaction_date,
    coalesce(interaction_totals.interaction_count, 0) as interaction_count,
    coalesce(feedback_totals.feedback_count, 0) as feedback_count,
    coalesce(feedback_totals.complaint_count, 0) as complaint_count,
    states.open_complaint_date,
    coalesce(mention_totals.mention_count, 0) as mention_count,
    coalesce(mention_totals.negative_mention_count, 0) as negative_mention_count,
    critical_customers.customer_id is not null as is_critical,
    critical_customers.criticality,
    critical_customers.value_at_stake_amount
from floor.customer_states as states
inner join known_customers on states.customer_id = known_customers.customer_id
left join interaction_totals on states.customer_id = interaction_totals.customer_id
left join feedback_totals on states.customer_id = feedback_totals.customer_id
left join mention_totals on states.customer_id = mention_totals.customer_id
left join floor.critical_customers as critical_customers on states.customer_id = critical_customers.customer_id
where states.is_current;

-- ---- summaries --------------------------------------------------------------------------------------------------------

create table floor.value_class_summary as
with

customers_by_class as (
    select
        as_of_date,
        value_class,
        count(*) as customer_count,
        sum(monetary_amount) as monetary_amount,
        ratio(sum(recency_days), count(recency_days)) as mean_recency_days,
        ratio(sum(frequency_count), count(*)) as mean_frequency_count,
        ratio(sum(monetary_amount), count(*)) as mean_monetary_amount,
        count(*) filter (where previous_value_class is distinct from value_class) as arrived_count
    from floor.states
    group by as_of_date, value_class
),

-- a class without customers has a row as well
all_classes as (
    select
        as_of_dates.as_of_date,
        as_of_dates.is_current,
        as_of_dates.previous_as_of_date is not null as has_previous,
        value_classes.*,
        coalesce(customers_by_class.customer_count, 0) as customer_count,
        coalesce(customers_by_class.monetary_amount, 0) as monetary_amount,
        customers_by_class.mean_recency_days,
        customers_by_class.mean_frequency_count,
        customers_by_class.mean_monetary_amount,
        coalesce(customers_by_class.arrived_count, 0) as arrived_count
    from floor.as_of_dates as as_of_dates
    cross join floor.value_classes as value_classes
    left join customers_by_class
        on
            as_of_dates.as_of_date = customers_by_class.as_of_date
            and value_classes.value_class = customers_by_class.value_class
    where value_classes.value_class != 'newly_known'
)

select
    as_of_date,
    is_current,
    value_class,
    value_class_rank,
    label_en as value_class_en,
    label_zh as value_class_zh,
    customer_count,
    ratio(customer_count, sum(customer_count) over of_date) as customer_share,
    cast(monetary_amount as decimal(18, 4)) as monetary_amount,
    ratio(monetary_amount, sum(monetary_amount) over of_date) as monetary_share,
    mean_recency_days,
    mean_frequency_count,
    mean_monetary_amount,
    lag(customer_count) over of_class as previous_customer_count,
    if(has_previous, arrived_count, null) as arrived_count,
    previous_customer_count + arrived_count - customer_count as left_count
from all_classes
window
    of_date as (partition by as_of_date),
    of_class as (
        partition by value_class
        order by as_of_date
    );

create table floor.value_class_migrations as
with

moved as (
    select
        as_of_date,
        coalesce(previous_value_class, 'newly_known') as from_value_class,
        value_class as to_value_class,
        count(*) as customer_count,
        count(*) filter (where from_value_class != value_class_with_previous_lines) as behaviour_moved_count,
        count(*) filter (where value_class_with_previous_lines != value_class) as line_moved_count,
        sum(value_class_rank_with_previous_lines - previous_value_class_rank) as behaviour_rank_change,
        sum(value_class_rank - value_class_rank_with_previous_lines) filter (
            where previous_value_class_rank is not null
        ) as line_rank_change,
        sum(previous_monetary_amount) as previous_monetary_amount,
        sum(monetary_amount) as monetary_amount
    from floor.states
    where previous_as_of_date is not null
    group by all
)

select
    moved.as_of_date,
    as_of_dates.is_current,
    as_of_dates.previous_as_of_date,
    moved.from_value_class,
    from_classes.value_class_rank as from_value_class_rank,
    from_classes.label_en as from_value_class_en,
    from_classes.label_zh as from_value_class_zh,
    moved.to_value_class,
    to_classes.value_class_rank as to_value_class_rank,
    to_classes.label_en as to_value_class_en,
    to_classes.label_zh as to_value_class_zh,
    moved.customer_count,
    moved.behaviour_moved_count,
    moved.line_moved_count,
    cast(moved.behaviour_rank_change as bigint) as behaviour_rank_change,
    cast(moved.line_rank_change as bigint) as line_rank_change,
    cast(moved.previous_monetary_amount as decimal(18, 4)) as previous_monetary_amount,
    cast(moved.monetary_amount as decimal(18, 4)) as monetary_amount
from moved
inner join floor.as_of_dates as as_of_dates on moved.as_of_date = as_of_dates.as_of_date
left join floor.value_classes as from_classes on moved.from_value_class = from_classes.value_class
left join floor.value_classes as to_classes on moved.to_value_class = to_classes.value_class;

create table floor.revenue_concentration as
with

buyers_by_class as (
    select
        as_of_date,
        abc_class,
        count(*) as customer_count,
        sum(monetary_amount) as monetary_amount,
        min(monetary_amount) as smallest_monetary_amount
    from floor.states
    where frequency_count > 0
    group by as_of_date, abc_class
)

select
    lines.as_of_date,
    lines.is_current,
    abc_classes.code as abc_class,
    abc_classes.sort_order as abc_class_sort,
    abc_classes.label_en as abc_class_en,
    abc_classes.label_zh as abc_class_zh,
    coalesce(buyers_by_class.customer_count, 0) as customer_count,
    coalesce(ratio(buyers_by_class.customer_count, sum(buyers_by_class.customer_count) over of_date), 0)
        as customer_share,
    cast(coalesce(buyers_by_class.monetary_amount, 0) as decimal(18, 4)) as monetary_amount,
    coalesce(ratio(buyers_by_class.monetary_amount, sum(buyers_by_class.monetary_amount) over of_date), 0)
        as monetary_share,
    buyers_by_class.smallest_monetary_amount,
    ratio(lines.top_fifth_amount, sum(buyers_by_class.monetary_amount) over of_date) as top_fifth_monetary_share
from lines
cross join floor.labels as abc_classes
left join buyers_by_class on lines.as_of_date = buyers_by_class.as_of_date and abc_classes.code = buyers_by_class.abc_class
where abc_classes.column_name = 'abc_class' and abc_classes.code != 'none'
window of_date as (partition by lines.as_of_date);

create table floor.rfm_references as
with

all_lines as (
    select
        lines.as_of_date,
        lines.is_current,
        metrics.code as metric,
        metrics.sort_order as metric_sort,
        metrics.label_en as metric_en,
        metrics.label_zh as metric_zh,
        if(metrics.sort_order <= 3, 'mean', null) as reference_method,
        case metrics.code
            when 'recency_days' then lines.recency_reference
            when 'frequency_count' then lines.frequency_reference
            when 'monetary_amount' then lines.monetary_reference
            else to_threshold(case metrics.code
                when 'churn_line_days' then lines.churn_line_days
                when 'pooled_mean_gap_days' then lines.pooled_mean_gap_days
                when 'second_gap_lower_days' then lines.second_gap_lower_days
                when 'second_gap_upper_days' then lines.second_gap_upper_days
                when 'top_fifth_line_amount' then lines.top_fifth_line_amount
                when 'high_value_line_amount' then lines.high_value_line_amount
                when 'mid_value_line_amount' then lines.mid_value_line_amount
                when 'abc_a_line_amount' then lines.abc_a_line_amount
                when 'abc_b_line_amount' then lines.abc_b_line_amount
            end)
        end as reference_value,
        if(metrics.sort_order <= 3, 'quantile', null) as score_method,
        case metrics.code
            when 'recency_days' then lines.recency_cut_1
            when 'frequency_count' then lines.frequency_cut_1
            when 'monetary_amount' then lines.monetary_cut_1
        end as cut_point_1,
        case metrics.code
            when 'recency_days' then lines.recency_cut_2
            when 'frequency_count' then lines.frequency_cut_2
            when 'monetary_amount' then lines.monetary_cut_2
        end as cut_point_2,
        case metrics.code
            when 'recency_days' then lines.recency_cut_3
            when 'frequency_count' then lines.frequency_cut_3
            when 'monetary_amount' then lines.monetary_cut_3
        end as cut_point_3,
        case metrics.code
            when 'recency_days' then lines.recency_cut_4
            when 'frequency_count' then lines.frequency_cut_4
            when 'monetary_amount' then lines.monetary_cut_4
        end as cut_point_4,
        cast(null as decimal(28, 8)) as cut_point_5,
        cast(null as decimal(28, 8)) as cut_point_6,
        cast(null as decimal(28, 8)) as cut_point_7,
        cast(null as decimal(28, 8)) as cut_point_8,
        cast(null as decimal(28, 8)) as cut_point_9
    from lines
    cross join floor.labels as metrics
    where metrics.column_name = 'metric'
)

select * from all_lines
where reference_value is not null;
