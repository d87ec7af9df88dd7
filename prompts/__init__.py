"""Every word said to a language model, one template a file; empty until a model has a voice."""
