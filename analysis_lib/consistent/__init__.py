"""What do all cohorts consistent with the paper agree on?"""
