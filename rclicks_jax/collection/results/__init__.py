"""What comes out of a study: the exported folder, its tables, and progress."""
