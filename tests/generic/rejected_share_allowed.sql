{#
    Stops the build when a larger share of a raw table is rejected than the var largest_rejected_share allows. What was
    rejected stays in the staging model, to be looked at.
#}
{% test rejected_share_allowed(model, table_name) %}
{% set sentences %}
with

reasons as (
    select
        coalesce(staged.reason_code, 'accepted') as reason_code,
        staged.record_status,
        count(*) as row_count
    from {{ model }} as staged
    group by coalesce(staged.reason_code, 'accepted'), staged.record_status
),

totals as (
    select
        sum(row_count) as all_count,
        coalesce(sum(row_count) filter (where record_status = 'rejected'), 0) as rejected_count
    from reasons
)

select concat(
    'Too much of raw.{{ table_name }} is rejected: ', totals.rejected_count, ' of ', totals.all_count, ' rows, where the var ',
    'largest_rejected_share allows {{ var("largest_rejected_share") }}. By reason: ',
    (
        select {{ ordered_listagg("concat(reason_code, ' ', row_count)", ', ', 'row_count desc, reason_code') }}
        from reasons
        where record_status = 'rejected'
    ),
    '. The rows stand in {{ model }} (record_status = ''rejected''); fix them at their source, or raise the var.'
) as sentence
from totals
where totals.rejected_count > {{ var('largest_rejected_share') }} * totals.all_count
{% endset %}
{{ stop_with_message(sentences) }}
{% endtest %}
