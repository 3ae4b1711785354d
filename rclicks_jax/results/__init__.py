"""Results of benchmarks: tables, figures and reports, functions of records alone."""
