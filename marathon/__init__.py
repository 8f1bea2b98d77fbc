"""The framework that keeps apps, pods, groups and jobs running."""
