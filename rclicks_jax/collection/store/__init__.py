"""The database of a study, SQLite: the only package with SQL.

`database.Store` opens it. Its `write` runs an action in the only thread that writes, in
one transaction with others that wait, and its future is done once the disk has it;
`read` runs an action on what is committed. Actions call the functions of `sessions`,
`assignments`, `cells`, `events` and `catalogue`, whose first argument is the
connection.

Events are append-only: triggers refuse to change them, or to delete them unless their
session is in `erasures`. Names by which platforms know people stand in `identities` and
nowhere else.
"""
