"""Where the agent listens: state, containers, files, operator calls."""
