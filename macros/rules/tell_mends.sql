{#
    At the end of a run that failed because of the server and not of the data: what to do. Results are what dbt tells of
    each node; each mend is told once.
#}
{% macro tell_mends(results) %}
    {%- set mends = [
        (
            'timedout_state',
            "Spark gave a statement up after the time that it is allowed: no worker took it, or it was too large. See on the "
            ~ "page of the master that workers run and have memory, or allow more time (spark.sql.thriftServer.queryTimeout)"
        ),
        (
            'no space left on device',
            "A disk of the server is full: make room on it"
        ),
        (
            'closed the connection unexpectedly',
            "The server ended its connections: see that it runs, and what its log says"
        ),
        (
            'terminating connection',
            "The server ended its connections: see that it runs, and what its log says"
        ),
        (
            'connection lost',
            "The Spark Thrift server does not answer any more: see that it runs, and what its log says"
        )
    ] -%}
    {%- set told = [] -%}
    {%- for result in results if execute and result.status | string in ('error', 'runtime error') -%}
        {%- for sign, mend in mends if sign in (result.message or '') | lower and mend not in told -%}
            {%- do told.append(mend) -%}
            {%- do log(mend ~ ". Then build again: what is missing will be built.", info=True) -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}
