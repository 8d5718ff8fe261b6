"""The page of the paper, claim by claim: what was measured, with tables and plots."""
