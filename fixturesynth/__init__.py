"""FixtureSynth."""
