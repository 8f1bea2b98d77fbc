"""Reads what marathon has stored. Writing is the core's: it says which rows change, and the loop makes them durable."""
