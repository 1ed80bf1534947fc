{{ config(materialized='view', persist_docs={'relation': false, 'columns': false}) }}

{{ conform_to_contract('interactions') }}
