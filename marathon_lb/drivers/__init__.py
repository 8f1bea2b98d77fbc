"""Acts and senses: HAProxy's process, its runtime API, and Marathon."""
