"""Decides which names exist and what they answer; no socket, clock or log in here."""
