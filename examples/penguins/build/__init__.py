"""What the build runs: the compilation of the pipeline."""
