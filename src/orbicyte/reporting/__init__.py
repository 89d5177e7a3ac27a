"""The report: rows and arrays on disk become figures and one HTML page. No model is ever loaded here."""
