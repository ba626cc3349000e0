"""What the tests share: the arms that are written, conclusions found by rule, and the table of shares."""
