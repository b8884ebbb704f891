"""What the source of one configuration module says about its classes; readers/configs.py makes rows out of it."""
