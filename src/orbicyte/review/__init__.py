"""People check positions and name cells: an append-only log of events, the server, and its page in ``web/``."""
