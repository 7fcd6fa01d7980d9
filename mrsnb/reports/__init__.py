"""Reports of products: of a run, or of any folder of cubes and spectra."""

from mrsnb.reports.report import Report, ReportFiles, report, write_report

__all__ = ["Report", "ReportFiles", "report", "write_report"]
