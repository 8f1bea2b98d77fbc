"""Decides which services there are and which servers they have. Pure: no socket, file, clock or log."""
