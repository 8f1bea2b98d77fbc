"""What marathon keeps: definitions that people write, and rows that scheduling makes of them. All frozen, all storable.

Structs of definitions carry the API's names (camel case) in their encoded form, so that one codec serves the store and
is the basis of answers. Defaults are those of a definition that leaves the field out.
"""
