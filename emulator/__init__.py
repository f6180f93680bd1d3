"""An embedded AWS for `make demo` and the end-to-end tests: on this machine, on loopback, not for production."""
