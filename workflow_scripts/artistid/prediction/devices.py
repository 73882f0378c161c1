"""Where a packaged network runs, by name. Imports nothing, because `artistid --help` names them."""

AUTO, CPU, CUDA = "auto", "cpu", "cuda"
DEVICES = (AUTO, CPU, CUDA)
