"""What learns without weights: memories of what a user's edits say (specs/plan/cipher)."""
