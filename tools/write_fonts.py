"""Write the fonts of figures as PDF: python tools/write_fonts.py.

They are the letters and signs of matplotlib's DejaVu Sans that most figures need, without its layout tables:
to look through the whole font, once a figure, takes longer than all the drawing. A figure with a letter of
another alphabet takes the whole one. The licence of DejaVu allows it under another name.
"""

from pathlib import Path

import matplotlib
from fontTools import subset
from fontTools.ttLib import TTFont

from analysis_lib.show.canvas import FONTS

FAMILY = "Book Sans"
# Latin, Greek and Cyrillic letters; punctuation, small digits and currencies; arrows; signs of mathematics.
BLOCKS = [(0x20, 0x17F), (0x370, 0x45F), (0x2000, 0x20CF), (0x2190, 0x21FF), (0x2200, 0x22FF)]
LICENCE = 13  # the number of its text among a font's names

for path in FONTS:
    source = Path(matplotlib.get_data_path(), "fonts", "ttf", path.name.replace("Book", "DejaVu"))
    font = TTFont(source)
    options = subset.Options(layout_features=[], name_IDs=["*"], notdef_outline=True, legacy_kern=True)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "MATH", "FFTM"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[each for low, high in BLOCKS for each in range(low, high + 1)])
    subsetter.subset(font)
    named = {1: FAMILY, 3: path.stem, 4: path.stem, 6: path.stem, 16: FAMILY}
    for name in font["name"].names:
        name.string = named.get(name.nameID, name.string)
    path.parent.mkdir(exist_ok=True)
    (path.parent / "LICENSE.txt").write_text(font["name"].getDebugName(LICENCE) + "\n", "utf-8")
    font.save(path, reorderTables=False)
