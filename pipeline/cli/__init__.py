"""The commands: they read options, call `run`, and print; nothing is decided here."""
