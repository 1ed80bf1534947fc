"""Building a warehouse. A package by this file, as the command build.py in it has its name."""
