"""HTTP: a server with hot paths, streams, and the client sides of the v1 APIs."""
