{{ conform_to_contract('feedback') }}
