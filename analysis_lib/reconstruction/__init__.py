"""How were the synthetic cohorts made?"""
