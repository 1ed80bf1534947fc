{{ config(unique_key='source_customer_id', schema='restricted', meta={'dated_by': 'registered_date'}) }}

with

{{ loaded_versions('raw_customers', ref('base_customers'), 'customer_id', staged_key='source_customer_id') }},

typed as {{ not_materialized() }} (
    select
        raw_customers.*,
        {{ try_date('raw_customers.birth_date') }} as birth_day,
        {{ try_timestamp('raw_customers.registered_at') }} as registered_at_utc,
        {{ business_date(try_timestamp('raw_customers.registered_at')) }} as registered_date,
        {{ try_timestamp('raw_customers.updated_at') }} as updated_at_utc
    from raw_customers
),

-- a register may hold a birthday long before the earliest valid business day, but no day that does not exist
validated as {{ not_materialized() }} (
    select
        typed.*,
        case
            when typed.record_key is null then 'missing_key'
            when {{ is_broken_text('typed.record_key') }} then 'broken_text'
            when typed.birth_day is null and {{ clean_text('typed.birth_date') }} is not null then 'invalid_timestamp'
            when typed.registered_at_utc is null and {{ clean_text('typed.registered_at') }} is not null
                then 'invalid_timestamp'
            when typed.updated_at_utc is null and {{ clean_text('typed.updated_at') }} is not null
                then 'invalid_timestamp'
            when typed.registered_date < date '{{ var("earliest_valid_date") }}' then 'date_out_of_range'
            {{ future_fault('typed.registered_date', 'typed.loaded_at') }}
        end as fault_code
    from typed
),

{{ resolve_versions('validated', 'customers') }},

-- a registration without a date is as old as the register
dated as (
    select
        resolved.*,
        coalesce(registered_date, date '{{ var("earliest_valid_date") }}') as registration_day,
        record_status = 'rejected' as is_rejected
    from resolved
),

staged as (
    select
        record_key as source_customer_id,
        {{ clean_text('customer_name') }} as customer_name,
        {{ clean_text('phone') }} as phone,
        {{ clean_text('email') }} as email,
        {{ clean_text('id_number') }} as id_number,
        birth_day as birth_date,
        {{ clean_code('gender') }} as gender,
        {{ clean_text('city') }} as city,
        {{ clean_text('acquisition_channel') }} as acquisition_channel,
        {{ clean_text('relationship_manager_id') }} as relationship_manager_id,
        registered_at_utc as registered_at,
        registered_date,
        updated_at_utc as updated_at,
        record_status,
        reason_code,
        raw_content,
        raw_key,
        loaded_at,
        -- states use only the day of registration: while it stays the same, new versions of the record rebuild nothing
        case
            when
                not is_rejected
                and min(registration_day) over (partition by record_key, is_rejected)
                = max(registration_day) over (partition by record_key, is_rejected)
                then min(loaded_at) over (partition by record_key, is_rejected)
            else last_changed_at
        end as last_changed_at
    from dated
)

select * from staged
