"""The database of a study: the only package with SQL."""
