"""What may a cohort hold?"""
