"""The nouns of the import: addresses, findings, contract fields, tables, orders, outcomes."""
