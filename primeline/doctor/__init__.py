"""What is wrong with an installation, in words; looks only, and works with parts down."""
