{{ conform_to_contract('interactions') }}
