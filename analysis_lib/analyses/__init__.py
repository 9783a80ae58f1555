"""What does this cohort show?"""
