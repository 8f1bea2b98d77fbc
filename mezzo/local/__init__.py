"""The cluster on one machine: the real programs as processes, started, watched and stopped."""
