"""One screen per file; a screen puts widgets together and answers their messages."""
