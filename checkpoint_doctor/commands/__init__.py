"""One small file per command: arguments in, one call of the api, an exit status out."""
