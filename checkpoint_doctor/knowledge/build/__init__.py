"""For maintainers: makes data/kb.tsv from released packages, which are read with `ast` and never imported or run."""
