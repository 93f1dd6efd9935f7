"""``python -m limited MB MODULE WORDS``: a command that may take so much more memory than the process has now."""

import resource
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    more_mb, module, *words = sys.argv[1:]
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + (int(more_mb) << 20), resource.RLIM_INFINITY))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
