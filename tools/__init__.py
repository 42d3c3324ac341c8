"""The project's workshop: what makes its example files and measures it; not part of what is installed."""
