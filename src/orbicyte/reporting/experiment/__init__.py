"""An experiment: networks trained on several folds or with several seeds, compared (``docs/statistics.md``).

Everything here is computed from rows of scores and predictions alone, so that results of several machines can be put
together: ``results.Experiment`` holds them, and ``files.write_tables`` writes all tables, figures and findings.
"""
