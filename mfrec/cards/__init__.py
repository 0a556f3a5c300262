"""From the card of a network to its verified weights, and to ONNX."""
