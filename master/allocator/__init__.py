"""Who is offered what: hierarchical dominant resource fairness, looked at again only where something changed."""
