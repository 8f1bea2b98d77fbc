"""What people write, checked and folded into one form.

A body goes through four rooms: :mod:`forms` checks types and limits (every wrong path at once), :mod:`fold` turns what
older clients send into the present form, :mod:`build` fills in what depends on other fields and makes the struct, and
:mod:`rules` checks what the fields mean together.
"""
