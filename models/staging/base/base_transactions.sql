{{ conform_to_contract('transactions') }}
