"""What does the paper print, and does it agree?"""
