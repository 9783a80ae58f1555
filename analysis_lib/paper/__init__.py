"""What the paper prints about its own data (claims.csv), held against result rows (ledger) and against itself (audit)."""
