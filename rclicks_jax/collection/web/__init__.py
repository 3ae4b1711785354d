"""The web server of a study, and the files of its pages."""
