"""What a person has open on the server: a clip or a picture with its objects, prompts and masks."""
