"""What to try next and when to stop. Pure Python and NumPy: no TensorFlow, no TFX, no Beam."""
