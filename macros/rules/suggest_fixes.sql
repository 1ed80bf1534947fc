{# At the end of a run that failed because of the server and not of the data: what to do, once per kind of failure. #}
{% macro suggest_fixes(results) %}
    {%- set fixes = {
        'no space left on device': "A disk of the server is full: make room on it",
        'read-only file system|mkdirs failed to create': "The server cannot write in its own folder: give it back the right to",
        'location_already_exists': "The folder of a table was left behind: remove the folder that the message names",
        'closed the connection unexpectedly|terminating connection':
            "The server ended its connections: check that it runs, and read its log",
        'ttransportexception|tsocket read 0 bytes|connection lost':
            "The Spark Thrift server does not answer any more: check that it runs, and read its log",
        'timedout_state': "Spark ended a statement after its time limit: no worker took it, or it was too large. Check on the page "
            ~ "of the master that workers run and have memory, or allow more time (spark.sql.thriftServer.queryTimeout)"
    } -%}
    {%- set messages = [] -%}
    {%- for result in results if result.status | string in ('error', 'runtime error') -%}
        {%- do messages.append(result.message | string | lower) -%}
    {%- endfor -%}
    {%- for signs, fix in fixes.items() if modules.re.search(signs, messages | join(' ')) -%}
        {%- do log(fix ~ ". Then build again: the next run builds what is missing.", info=True) -%}
    {%- endfor -%}
{% endmacro %}
