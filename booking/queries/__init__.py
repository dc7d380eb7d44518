"""Reads for pages and jobs. They never write."""
