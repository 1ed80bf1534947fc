{#
    At the end of a run that failed because of the server and not of the data: what to do. Results are what dbt tells of
    each node; each mend is told once, by what the messages hold.
#}
{% macro suggest_fixes(results) %}
    {%- set mends = [
        (
            ['no space left on device'],
            "A disk of the server is full: make room on it"
        ),
        (
            ['read-only file system', 'mkdirs failed to create'],
            "The server cannot write in a folder of its own: give it back the right to"
        ),
        (
            ['location_already_exists'],
            "The folder of a table has outlived it, as it could not be removed: remove the folder that the message names"
        ),
        (
            ['closed the connection unexpectedly', 'terminating connection'],
            "The server ended its connections: see that it runs, and what its log says"
        ),
        (
            ['ttransportexception', 'tsocket read 0 bytes', 'connection lost'],
            "The Spark Thrift server does not answer any more: see that it runs, and what its log says"
        ),
        (
            ['timedout_state'],
            "Spark gave a statement up after the time that it is allowed: no worker took it, or it was too large. See on the "
            ~ "page of the master that workers run and have memory, or allow more time (spark.sql.thriftServer.queryTimeout)"
        )
    ] -%}
    {%- set messages = [] -%}
    {%- for result in results if result.status | string in ('error', 'runtime error') -%}
        {%- do messages.append(result.message | string | lower) -%}
    {%- endfor -%}
    {%- set told = messages | join(' ') -%}
    {%- for signs, mend in mends if execute -%}
        {%- set found = [] -%}
        {%- for sign in signs if sign in told -%} {%- do found.append(sign) -%} {%- endfor -%}
        {%- if found -%} {%- do log(mend ~ ". Then build again: what is missing will be built.", info=True) -%} {%- endif -%}
    {%- endfor -%}
{% endmacro %}
