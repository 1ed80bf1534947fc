{# A number lies between min and max, both included; null fails, as an unknown number is in no range. #}
{% test in_range(model, column_name, min=none, max=none) %}

select {{ column_name }}
from {{ model }}
where
    {{ column_name }} is null
    {%- if min is not none %} or {{ column_name }} < {{ min }} {%- endif %}
    {%- if max is not none %} or {{ column_name }} > {{ max }} {%- endif %}

{% endtest %}
