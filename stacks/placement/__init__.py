"""Where pods run: what each kind of compute offers, takes and cannot do."""
