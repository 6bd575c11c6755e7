"""``poolscope sql``: traces as tables of a database."""
