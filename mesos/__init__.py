"""The vocabulary and plumbing that every program speaks: v1 messages, resources, codecs, the loop, stores, election."""
