"""Automatic masklets: everything in a clip found, tracked and filtered; one SA-V JSON file per clip."""
