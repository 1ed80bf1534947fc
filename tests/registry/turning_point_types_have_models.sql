{#
    Protects the registry of turning points: each row of the seed turning_point_types has the model of its name in
    models/critical/turning_points, each model there has its row, and int_turning_points_unioned reads each of them.
    Without it a type that the business owner registered would never be found, and no test would miss it.
#}
{%- set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | list if execute else [] -%}
{%- set models = nodes | selectattr('fqn.2', 'equalto', 'turning_points') | map(attribute='name') | sort -%}
{%- set union = nodes | selectattr('name', 'equalto', 'int_turning_points_unioned') | first if execute else {} -%}
{%- set models_read = union.depends_on.nodes | map('replace', 'model.' ~ project_name ~ '.', '') | sort if union else [] -%}

{%- set sentences %}
with

types as (
    select turning_point_type
    from {{ ref('turning_point_types') }}
),

models as (
    select * from (
        values
        ('{{ models | join("'), ('") }}')
    ) as listed (name)
),

models_read as (
    select * from (
        values
        ('{{ models_read | join("'), ('") }}')
    ) as listed (name)
),

sentences as (
    select concat(
        'The seed turning_point_types registers ', types.turning_point_type, ', but there is no model models/critical/turning_points/',
        types.turning_point_type, '.sql. Write the model, or take the row out of the seed.'
    ) as sentence
    from types
    left join models on types.turning_point_type = models.name
    where models.name is null

    union all

    select concat(
        'The model models/critical/turning_points/', models.name, '.sql has no row in the seed turning_point_types. Register it with its ',
        'weight, labels and sentences, or delete the model.'
    ) as sentence
    from models
    left join types on models.name = types.turning_point_type
    where types.turning_point_type is null and models.name != ''

    union all

    select concat(
        'int_turning_points_unioned does not read the model ', models.name, '. Add it to the union, so that its turning points ',
        'are found.'
    ) as sentence
    from models
    left join models_read on models.name = models_read.name
    where models_read.name is null and models.name != ''
)

select sentence from sentences
order by sentence
{%- endset -%}

{{ stop_with_message(sentences) }}
