"""Acts and senses for marathon: master, probes, event bus. Outcomes come back to the core as events."""
