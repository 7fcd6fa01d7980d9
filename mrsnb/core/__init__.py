"""Values shared by every layer: frozen, their arrays read-only; no files, no compiled code."""
