"""Words, or an example, to boxes: detectors with weights of others; transformers is imported only here."""
