{{ config(materialized='table', unique_key=none) }}

-- Everyone who was ever active or is registered, and since when; personal data masked.
with

first_activity as (
    select * from {{ ref('first_activity') }}
    where first_activity_date is not null
),

customers as (
    select
        *,
        coalesce(registered_date, date '{{ var("earliest_valid_date") }}') as known_since_date
    from {{ with_customer_id(ref('stg_customers')) }} as with_ids
    where record_status = 'accepted'
),

known as (
    select
        coalesce(first_activity.customer_id, customers.customer_id) as customer_id,
        {{ earlier('first_activity.first_activity_date', 'customers.known_since_date') }} as known_since_date,
        first_activity.first_purchase_date,
        first_activity.second_purchase_date,
        customers.customer_id is not null as is_registered,
        {{ masked_name('customers.customer_name') }} as masked_name,
        {{ decade('customers.birth_date') }} as birth_decade,
        customers.gender,
        customers.city,
        customers.acquisition_channel,
        customers.relationship_manager_id,
        customers.registered_date
    from first_activity
    full outer join customers on first_activity.customer_id = customers.customer_id
)

select * from known
