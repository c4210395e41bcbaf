"""What `turnwise train` trains when it is told nothing."""

WORLD, RECIPE, MODEL = "twenty-questions-small", "turn-ppo", "scratch:nano"
