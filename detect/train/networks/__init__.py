"""Networks that are trained with torch and exported to ONNX: one file each, after the paper that it names.

Nothing here is imported while scanning: a shipped detector runs on ONNX Runtime.
"""
