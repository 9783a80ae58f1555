"""Who is followed, from when to what?"""
