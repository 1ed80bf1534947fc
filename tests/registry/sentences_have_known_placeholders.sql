{#
    Protects the sentences that people read: a sentence of the seed turning_point_types is filled with {observed},
    {reference} and {since}, a form of the seed units with {n} and {currency}; nothing else in braces is.
    A placeholder with a slip of the pen would stand as it is in the list of a relationship manager.
#}
{%- set sentences %}
with

templates as (
    select 'turning_point_types' as seed, turning_point_type as code, 'sentence_en' as column_name, sentence_en as template
    from {{ ref('turning_point_types') }}
    union all
    select 'turning_point_types' as seed, turning_point_type as code, 'sentence_zh' as column_name, sentence_zh as template
    from {{ ref('turning_point_types') }}
    union all
    select 'units' as seed, unit as code, 'one_en' as column_name, one_en as template
    from {{ ref('units') }}
    union all
    select 'units' as seed, unit as code, 'many_en' as column_name, many_en as template
    from {{ ref('units') }}
    union all
    select 'units' as seed, unit as code, 'one_zh' as column_name, one_zh as template
    from {{ ref('units') }}
    union all
    select 'units' as seed, unit as code, 'many_zh' as column_name, many_zh as template
    from {{ ref('units') }}
),

filled as (
    select
        seed,
        code,
        column_name,
        template,
        case seed
            when 'units' then replace(replace(template, '{n}', ''), '{currency}', '')
            else replace(replace(replace(template, '{observed}', ''), '{reference}', ''), '{since}', '')
        end as rest
    from templates
),

sentences as (
    select concat(
        'The seed ', seed, ' has in ', column_name, ' of ', code, ' a placeholder that nothing fills: "', template, '". There are ',
        case seed when 'units' then '{n} and {currency}' else '{observed}, {reference} and {since}' end,
        '. Fix it in seeds/', seed, '.csv.'
    ) as sentence
    from filled
    where rest is distinct from replace(replace(rest, '{', ''), '}', '')
)

select sentence from sentences
order by sentence
{%- endset -%}

{{ stop_with_message(sentences) }}
