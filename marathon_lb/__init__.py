"""The balancer: keeps HAProxy in step with marathon's apps."""
