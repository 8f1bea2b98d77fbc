"""What an agent acts through: the link, containers, fetches, probes."""
