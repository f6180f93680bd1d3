"""Which constructs live and die together: foundation, network, one stack per cluster."""
