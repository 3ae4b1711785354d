"""Tables, pages and pictures; knows no job."""
