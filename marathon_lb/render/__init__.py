"""Writes HAProxy's configuration from services. Pure but for reading templates at start."""
