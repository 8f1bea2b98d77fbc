"""Reads what masters and marathons tell, and keeps what names are made of."""
