"""Many jobs: a template with parameters each, in processes of this machine or on a cluster."""

from mrsnb.batch.jobs import Job, Sweep, spread
from mrsnb.batch.outcomes import BatchResult, Outcome
from mrsnb.batch.reading import read_jobs
from mrsnb.batch.run import BatchInterrupted, Plan, plan, run_batch

__all__ = [
    "BatchInterrupted",
    "BatchResult",
    "Job",
    "Outcome",
    "Plan",
    "Sweep",
    "plan",
    "read_jobs",
    "run_batch",
    "spread",
]
