"""The report: figures and one HTML page from rows and arrays on disk. No model is loaded."""
