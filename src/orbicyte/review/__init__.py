"""People check and label the detected cells: an append-only log of events, the server, and its page in ``web/``."""
