"""The engine under every job: units of work, run folders, resume, messages."""
