"""The baselines of LMRL-Gym on three of its games, played small, beside the table that its paper prints."""
