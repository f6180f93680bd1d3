"""Pages of HTML: each is one file that loads nothing from anywhere."""
