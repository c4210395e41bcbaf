"""What the command line does, as functions: train, resume, evaluate, compare. `turnwise` exports them."""
