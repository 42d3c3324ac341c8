"""Reading mask files of strangers: every number is checked before memory is given to it."""
