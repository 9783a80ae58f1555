"""Salvage radiotherapy after CAR T-cell therapy: a study re-run as notebooks, on its own cohort and on
yours.
"""
