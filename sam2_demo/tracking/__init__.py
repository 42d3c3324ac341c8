"""Prompts, memory and the network make masklets."""
