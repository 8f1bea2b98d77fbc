"""The Mesos agent: runs containers and reports what became of them."""
