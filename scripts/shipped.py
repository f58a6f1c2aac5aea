"""Make the components and policies known that are not spaCy's own.

Import this before a combination is loaded from its folder; a wheel does it by itself.
"""

from pathlib import Path

import components
import confidence
import isolated
import policies

MODULES = (components, confidence, isolated, policies)
# what goes into a wheel, if its pipeline needs any of it
FILES = [Path(str(module.__file__)) for module in MODULES]
