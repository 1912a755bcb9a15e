"""What makes pages live: Python in the browser, and three things to try out with it."""
