"""The balancer's pure rooms."""
