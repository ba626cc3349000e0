"""Where `cotlens.organisms` was in the first release; notebooks that name it go on working."""

import sys

from cotlens._core.registry import resolve

sys.modules[__name__] = resolve("cotlens.organisms")
