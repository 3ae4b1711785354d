"""SimpleClick and CFR-ICL: a plain vision transformer that sees clicks."""
