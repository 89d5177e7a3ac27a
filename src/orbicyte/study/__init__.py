"""Everything on disk: the study folder, its files and formats. No module here needs torch.

::

    STUDY/
      study.json              format number, id
      slides/<slide>/         slide.json, cells.parquet: detected cells (see ``orbicyte.study.slides``)
      review/events.sqlite    decisions of people (see ``orbicyte.review.store``)
      review/classes.json     the cell types of the study (see ``orbicyte.study.classes``)
      patches/                the patch store (see ``orbicyte.data.patches``)
      runs/<run>/             one trained network (see ``orbicyte.study.runs``)
        scores/               scores.parquet, evaluation.json, arrays.npz (see ``orbicyte.study.scores``)
      types.parquet           predicted types of all cells (see ``orbicyte.study.types``)
      report.html, figures/
      audit.html, audit/      copies, doubtful labels, confounders (see ``orbicyte.auditing``)
"""

from orbicyte.study.folder import Study, is_study

__all__ = ["Study", "is_study"]
