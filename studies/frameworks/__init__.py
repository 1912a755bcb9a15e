"""The report's two networks in nnlib, PyTorch and Keras, trained from one start."""
