"""Companies, their admins, plans, prices, subscriptions and quota."""
