"""Custom jobs, as Vertex AI's JobService has them: a run whose one task is the job's worker.

- `model`: CustomJob, TrainingPipeline, and what is asked for. `translation`: from a job's specification to a pipeline's. Pure.
- `store`: tables and SQL. `listing`: what lists of both can be asked for. `service`: the verbs.
"""

from trainshed.runs.custom_jobs.model import CustomJob, NewCustomJob, TrainingPipeline
from trainshed.runs.custom_jobs.service import Service

__all__ = ["CustomJob", "NewCustomJob", "Service", "TrainingPipeline"]
