"""The command line and the cluster on one machine."""
