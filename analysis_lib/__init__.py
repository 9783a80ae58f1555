"""Re-run a clinical cohort study as a book: cohort in, result rows out, prose and figures from the rows."""
