{{ conform_to_contract('social_mentions') }}
