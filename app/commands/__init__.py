"""One module a command; each has ``run(args) -> int`` and prints nothing but through ``out``."""
