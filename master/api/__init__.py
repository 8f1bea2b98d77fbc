"""Where the master listens: the v1 APIs, the agent link, and the legacy views."""
