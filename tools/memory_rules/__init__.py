"""Memory rules on made clips whose truth is known."""
