"""The ``mezzo`` command: one file a noun. Everything it knows of a cluster it learns from the public HTTP APIs."""
