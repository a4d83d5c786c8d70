"""Writes the pictures of docs/detection.md: `python -m docs.detection`."""

from pathlib import Path

from docs.detection.picture import draw
from docs.detection.scenes import scenes, told

PICTURES = Path(__file__).parent.parent / "pictures"


def main() -> None:
    """Judge every scene, and draw it."""
    for scene in scenes():
        path = PICTURES / f"detection-{scene.name}.svg"
        path.write_text(draw(scene, told(scene)), encoding="utf-8")
        print(f"written: {path}")


if __name__ == "__main__":
    main()
