"""The jobs: each orchestrates the pipeline for one business date and owns no arithmetic."""
