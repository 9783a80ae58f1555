"""What does the hospital's file say?"""
