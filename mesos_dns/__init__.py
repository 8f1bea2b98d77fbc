"""Names for tasks: answers DNS from the state of the cluster."""
