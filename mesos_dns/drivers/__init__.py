"""Acts and senses: sockets, worker processes, masters, marathon."""
