"""Listens: one module per resource. A handler parses, asks the core, answers; errors become answers in one place."""
