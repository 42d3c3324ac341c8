"""Masks as values: masklets, run lengths, regions, overlaps, polygons, J and F; numpy and OpenCV, no torch."""
