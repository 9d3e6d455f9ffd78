"""Write the sample data of three invented businesses and an analyst, the same bytes on every run.

python sample_data/generate.py            rewrites sample_data/{shop,corporate,portal,analyst}
python sample_data/generate.py FOLDER     writes the folders into FOLDER
"""

import sys
from pathlib import Path

import make_analyst
import make_corporate
import make_portal
import make_shop

MAKERS = {
    "shop": make_shop,
    "corporate": make_corporate,
    "portal": make_portal,
    "analyst": make_analyst,
}


def main(target: Path) -> None:
    """Write one folder per business, and one of the analyst."""
    for name, maker in MAKERS.items():
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        maker.make(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
