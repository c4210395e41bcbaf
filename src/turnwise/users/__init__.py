"""Simulated people: what they hide, when they tell it, how they say it, and when they have had enough."""
