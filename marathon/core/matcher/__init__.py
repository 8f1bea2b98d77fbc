"""Decides whether an instance of an app fits an offer, and if not, why. Pure; nothing is remembered here."""
