"""Commands: flags, then one call into the library."""
