"""What the product must agree with, written by hand; nothing of the product reads it."""
