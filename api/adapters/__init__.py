"""Ways to services of others."""
