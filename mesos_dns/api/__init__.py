"""The HTTP API of Mesos-DNS, and metrics."""
