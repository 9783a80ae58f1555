"""How is a file written whole?"""
