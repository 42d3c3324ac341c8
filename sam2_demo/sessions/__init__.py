"""The session folder: create, autosave, resume, expire."""
