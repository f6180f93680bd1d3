"""What runs inside the engine's own virtual environment: ministack, extended by what this project needs of AWS."""
