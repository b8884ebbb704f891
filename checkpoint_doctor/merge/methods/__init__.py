"""How the tensors of one adapter method become changes of the base's tensors; one file per method."""
