"""What the balancer answers on its statistics port, behind HAProxy's own pages."""
