"""What releases of the libraries can read, as data: looked up without importing any of them."""
