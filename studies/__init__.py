"""What takes too long for a build, run by command: its results are kept in ``data/runs``."""

import os

# settings that force OpenBLAS to use the kernels of another processor than the one it runs on;
# removed here, before NumPy is imported, in every study and in the processes that it starts
for setting in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(setting, None)
