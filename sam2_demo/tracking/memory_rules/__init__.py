"""What an object remembers and which candidate it takes: one file a rule, `catalogue` names them all."""
