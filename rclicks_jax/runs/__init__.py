"""Whole runs: benchmarks, evaluations, their records, tables and reports."""
