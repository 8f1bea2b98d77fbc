"""Walls around tasks: plain processes in cgroups, and Docker."""
