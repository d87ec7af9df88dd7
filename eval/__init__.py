"""The offline suite: cases, metrics, reports; it imports what users run."""
