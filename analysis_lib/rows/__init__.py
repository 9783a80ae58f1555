"""What is a result?"""
