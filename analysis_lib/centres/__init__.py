"""How do hospitals pool?"""
