"""How each mechanism clears, and what they share."""
