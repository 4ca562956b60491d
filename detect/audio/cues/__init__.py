"""Cues in sound: one file each, explainable, measured one by one, run on request. See docs/audio-cues.md."""
