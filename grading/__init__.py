"""The judgement: what a reply did, how well, by which requirement; never which engine spoke."""
