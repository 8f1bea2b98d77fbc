"""Starts processes that outlive everybody who asked for them: the zygote and its monitors."""
