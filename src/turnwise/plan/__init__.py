"""Search over anything that can be asked and stepped: pure algorithms."""
