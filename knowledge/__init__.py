"""The standard as data: requirements with stable ids, notes beside them, text handling, search."""
