"""What edits the pages: mistakes of the theme, and what need not be loaded."""
