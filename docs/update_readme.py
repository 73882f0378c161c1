"""Regenerate the generated parts of README.md and docs/, from the rules and the demo's results.

    make readme

A page holds each part between ``<!-- generated: NAME -->`` and ``<!-- end -->``:

- README.md: the graph of the stages, and a short table of the demo's scores;
- docs/reruns.md: the graph of all rules;
- docs/results.md: the demo's main tables with their captions.

The picture in README.md, ``docs/images/demo_f1.svg``, is drawn from the same results.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "results/demo/experiments/paper/tables"
PICTURE = ROOT / "docs/images/demo_f1.svg"

Edges = set[tuple[str, str]]

# The scan writes the albums' listings into a folder, and Snakemake draws no arrow from a folder to
# a file in it.
LISTINGS = ("scan_corpus", "extract_log_mel")

# Snakemake adds the trainings of the follow-up network only after their checkpoint has run, so the
# graph of the rules never shows this arrow.
FOLLOW_UP = "scoring -. best network, longer slices .-> training"


def rule_edges() -> Edges:
    """Return pairs of rules, the second of which needs the first, without the target `all`."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "all"]
    drawn = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", drawn))
    found = re.findall(r"(id\d+) --> (id\d+)", drawn)
    return {(names[a], names[b]) for a, b in found if names[b] != "all"} | {LISTINGS}


def stages_of(rules: Iterable[str]) -> dict[str, str]:
    """Return the stage of each rule: the name of the file in ``rules/`` that defines it."""
    texts = {path.stem: path.read_text() for path in (ROOT / "rules").glob("*.smk")}
    named = {
        rule: stage
        for stage, text in texts.items()
        for rule in re.findall(
            r"^\s*(?:rule|checkpoint|use rule \w+ as) (\w+)(?: with)?:", text, re.MULTILINE
        )
    }
    # A loop defines rules without a name after `rule`; one file has such a loop.
    [looped] = [
        stage for stage, text in texts.items() if re.search(r"^\s+rule:", text, re.MULTILINE)
    ]
    return {rule: named.get(rule, looped) for rule in rules}


def stage_edges(edges: Edges, stages: dict[str, str]) -> Edges:
    """Return which stage needs which, without the arrows that others already imply."""
    between = {(stages[a], stages[b]) for a, b in edges if stages[a] != stages[b]}
    return {edge for edge in between if not _is_reached(*edge, between - {edge})}


def _is_reached(start: str, end: str, edges: Edges) -> bool:
    """Return whether a path leads from `start` to `end`."""
    found, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        following = {b for a, b in edges if a == here} - found
        found |= following
        waiting += following
    return end in found


def mermaid(lines: Iterable[str]) -> str:
    """Return a Mermaid diagram of arrows, from left to right."""
    arrows = "".join(f"    {line}\n" for line in lines)
    return f"```mermaid\nflowchart LR\n{arrows}```\n"


def stage_graph() -> str:
    """Return the stages and what depends on what, as a Mermaid diagram."""
    edges = rule_edges()
    edges = stage_edges(edges, stages_of(rule for edge in edges for rule in edge))
    included = re.findall(r"^include: .rules/(\w+)", (ROOT / "Snakefile").read_text(), re.MULTILINE)
    in_order = sorted(edges, key=lambda edge: [included.index(stage) for stage in edge])
    return mermaid([*(f"{a} --> {b}" for a, b in in_order), FOLLOW_UP])


def rule_graph() -> str:
    """Return the rules and what depends on what, as a Mermaid diagram."""
    edges = {
        (a, "figures" if b.startswith("plot_") else b)
        for a, b in rule_edges()
        # Every later rule consults the scan; only those that read its files are drawn.
        if a != "scan_corpus" or b in _READERS_OF_THE_SCAN
    }
    return mermaid(f"{a} --> {b}" for a, b in sorted(edges))


_READERS_OF_THE_SCAN = (
    "extract_log_mel",
    "draw_split",
    "find_near_duplicates",
    "audit_split",
    "check_corpus",
    "compare_runs",
)


def short_table() -> str:
    """Return macro F1 on both splits as a table, a row per model."""
    import pandas as pd

    from artistid.tables.cells import mean_and_deviation
    from artistid.tables.rendering import markdown

    song, album = (rows.set_index("model") for rows in _by_split())
    columns = {
        "Macro F1, song split": mean_and_deviation(song, "macro_f1"),
        "Macro F1, album split": mean_and_deviation(album, "macro_f1"),
        "Difference": (song["macro_f1_mean"] - album["macro_f1_mean"]).map("{:.3f}".format),
    }
    return markdown(pd.DataFrame(columns).rename_axis("Model").reset_index())


def draw_picture() -> None:
    """Draw macro F1 of each model on both splits, with intervals, into docs/images/."""
    from artistid.figures.style import COLOURS, GREY, PALE, new_figure, save, styled, without_box

    splits = _by_split()
    chance = splits[0].set_index("model").loc["chance", "macro_f1_mean"]
    models = [model for model in splits[0]["model"] if model not in ("chance", "majority")]
    with styled():
        figure = new_figure(5.6, 0.9 + 0.26 * len(models))
        axes = figure.subplots()
        for rows, offset, colour in zip(splits, (-0.14, 0.14), COLOURS, strict=False):
            shown = rows[rows["model"].isin(models)]
            y = [models.index(model) + offset for model in shown["model"]]
            bounds = shown["macro_f1_low"], shown["macro_f1_high"]
            axes.hlines(y, *bounds, colors=colour, alpha=PALE)
            label = f"{shown['split'].iloc[0]} split"
            axes.plot(shown["macro_f1_mean"], y, "o", color=colour, label=label)
        axes.axvline(chance, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(models)), models)
        axes.set_ylim(len(models) - 0.5, -0.5)
        axes.set_xlim(0, 1.01)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(
            "macro F1 of 1 s slices, demo corpus (dotted: chance; lines: 95 % intervals)"
        )
        figure.legend(loc="outside upper center", ncols=2)
        without_box(axes)
    PICTURE.parent.mkdir(exist_ok=True)
    save(figure, PICTURE)


def _by_split() -> list["pd.DataFrame"]:
    """Return the demo's slice-level scores on the song split and on the album split."""
    import pandas as pd

    table = pd.read_csv(TABLES / "f1_by_model.csv")
    return [table[table["split"] == split] for split in ("song", "album")]


def demo_tables() -> str:
    """Return the demo's main tables with their captions."""
    names = ("f1_by_model", "f1_by_slice")
    tables = [(TABLES / f"{name}.md").read_text(encoding="utf-8") for name in names]
    return "\n".join(table.replace("## ", "### ", 1) for table in tables)


PAGES = {
    "README.md": {"stage graph": stage_graph, "demo scores": short_table},
    "docs/reruns.md": {"rule graph": rule_graph},
    "docs/results.md": {"demo tables": demo_tables},
}


def replaced(text: str, name: str, content: str) -> str:
    """Return `text` with the named generated part replaced."""
    pattern = rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)"
    new, count = re.subn(
        pattern, lambda match: f"{match[1]}\n{content}\n{match[2]}", text, flags=re.DOTALL
    )
    if count != 1:
        raise SystemExit(f"no part 'generated: {name}', or several")
    return new


def main() -> None:
    """Update the pages and the picture in place."""
    for page, parts in PAGES.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        for name, part in parts.items():
            text = replaced(text, name, part())
        (ROOT / page).write_text(text, encoding="utf-8")
    draw_picture()


if __name__ == "__main__":
    main()
