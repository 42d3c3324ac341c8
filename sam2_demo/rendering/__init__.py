"""Frame + masks -> frame: colours, overlays and effects with NumPy and OpenCV only."""
