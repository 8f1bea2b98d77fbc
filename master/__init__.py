"""The Mesos master: decides which framework is offered what."""
