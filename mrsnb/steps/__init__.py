"""The steps of level 3: values in, a `Result` out; no files."""
