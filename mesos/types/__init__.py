"""The v1 messages of Mesos as frozen structs, one file a family. Field names are exactly those of v1 JSON."""
