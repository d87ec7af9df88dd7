"""The report of a talk as people read it and take it home: pieces, plots, HTML and JSON files."""
