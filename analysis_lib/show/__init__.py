"""How is a row read?"""
