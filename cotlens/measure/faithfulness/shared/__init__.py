"""What the tests share: the runs that are written, conclusions found by rule, and the table of shares."""
