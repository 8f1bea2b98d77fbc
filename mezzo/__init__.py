"""The command line and the cluster on one machine: starts the programs and speaks HTTP to them, nothing else."""
