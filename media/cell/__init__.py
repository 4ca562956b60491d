"""What runs inside the decoding process: the only code that gives foreign bytes to a decoder."""
