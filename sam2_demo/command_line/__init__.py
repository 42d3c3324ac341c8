"""The command `sam2-demo` and its verbs."""
