"""Masklets to and from the field's file formats. One module per format."""
