"""The report of a talk as people read it: HTML pieces, plots, the files one can take home."""
