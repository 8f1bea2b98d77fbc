"""What an agent decides: pure state machines over tasks, their updates and their health."""
