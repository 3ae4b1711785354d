"""Bots that take part in a study through its web server, and what they planted."""
