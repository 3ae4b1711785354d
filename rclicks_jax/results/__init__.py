"""What run folders say: tables, figures and reports, pure functions of records."""
