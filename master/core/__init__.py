"""What the master decides: pure state machines over agents, frameworks, offers and tasks."""
