"""What the API answers, made of the core's tables. Reads only; every function returns plain JSON values.

Answers have the shape that clients of any age can read: fields without a value that old clients look for are there as
``null``, lists and maps they look for are there when empty, and nothing is there that a client of fixed fields would
stumble over.
"""
