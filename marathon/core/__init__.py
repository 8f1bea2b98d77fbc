"""Decides: pure functions of state, event and time. No socket, file, clock, randomness, thread or log in here."""
