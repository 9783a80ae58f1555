"""How is a book bound?"""
