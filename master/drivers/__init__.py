"""What the master acts through: subscriptions of frameworks and operators, links of agents."""
