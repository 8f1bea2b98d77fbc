"""Acts and senses for marathon: the master's stream, probes, the event bus. Outcomes come back to the core as events."""
