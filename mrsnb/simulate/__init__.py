"""Simulated MRS observations, as the archive would deliver them."""
