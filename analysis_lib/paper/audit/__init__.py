"""Does the paper agree with itself?"""
