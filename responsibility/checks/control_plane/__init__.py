"""The control plane: its API, its versions, its encryption, its life."""
