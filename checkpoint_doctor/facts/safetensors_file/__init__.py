"""Safetensors headers, read as strictly as the library reads them."""
