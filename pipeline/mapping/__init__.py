"""YAML text to a frozen Plan, or all mistakes of it at once."""
