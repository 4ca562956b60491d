"""The models that ship with Assay: ONNX files trained by `detect/train`, each with its card."""
