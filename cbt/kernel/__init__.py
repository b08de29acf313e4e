"""What every room may use: errors, the clock, ids, money, files, mail, jobs, audit. Knows no HTTP."""
