"""Write what is generated in README.md anew: the rule graph and the demo's tables.

    make readme

The README holds it between ``<!-- generated: NAME -->`` and ``<!-- end -->``.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
TABLES = ROOT / "results/demo/experiments/paper/tables"


def rule_graph() -> str:
    """Return the rules and what depends on what, as a Mermaid diagram."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "all"]
    drawn = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {
        key: "figures" if name.startswith("plot_") else name
        for key, name in re.findall(r"(id\d+)\[(\w+)\]", drawn)
    }
    found = re.findall(r"(id\d+) --> (id\d+)", drawn)
    edges = sorted({(names[a], names[b]) for a, b in found})
    # The scan is consulted by every later rule; only what reads its files is drawn.
    readers = (
        "extract_log_mel draw_split find_near_duplicates audit_split check_corpus compare_runs"
    )
    readers = readers.split()
    shown = [(a, b) for a, b in edges if b != "all" and (a != "scan_corpus" or b in readers)]
    lines = "".join(f"    {a} --> {b}\n" for a, b in shown)
    return f"```mermaid\nflowchart LR\n{lines}```\n"


def demo_tables() -> str:
    """Return the demo's main tables."""
    names = ("f1_by_model", "f1_by_slice")
    paths = [TABLES / f"{name}.md" for name in names]
    tables = [path.read_text(encoding="utf-8") for path in paths if path.exists()]
    return "\n".join(table.replace("## ", "### ", 1) for table in tables)


def replaced(text: str, name: str, content: str) -> str:
    """Return `text` with the named generated part replaced."""
    pattern = rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)"
    new, count = re.subn(
        pattern, lambda match: f"{match[1]}\n{content}\n{match[2]}", text, flags=re.DOTALL
    )
    if count != 1:
        raise SystemExit(f"README.md: has no part 'generated: {name}'")
    return new


def main() -> None:
    """Update README.md in place."""
    text = README.read_text(encoding="utf-8")
    text = replaced(text, "rule graph", rule_graph())
    text = replaced(text, "demo tables", demo_tables())
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
