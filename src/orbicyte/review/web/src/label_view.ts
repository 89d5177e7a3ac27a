/** Label: crops of cells, and the list of types next to them. */

import { cropPath, type LabelClass } from "./api";
import { CellList, toLabel, type LabelFilter, type LabelOrder } from "./cell_list";
import { KEPT, REJECTED, REMOVED, UNCHECKED, type Cells } from "./cells";
import { SIZES } from "./check_bars";
import { cropCommands } from "./crop_commands";
import { CropGrid } from "./crop_grid";
import { labelSpoken, positionText, predictedText } from "./crop_words";
import { button, choice, el, setText } from "./dom";
import type { Group } from "./keys";
import type { Review } from "./review";
import { NOTHING_SELECTED, WIDE_PX, type View } from "./view";

const CROP_PX = window.innerWidth < WIDE_PX ? 142 : 208;
const LARGE_PX = 256;

export class LabelView implements View {
  readonly title = "Label";
  readonly element = el("main", { class: "label-view" });
  readonly grid: CropGrid;
  readonly list = new CellList();
  private readonly types: LabelClass[];
  private readonly counts = new Map<string, HTMLElement>();
  private readonly about = el("p", { class: "about", "aria-live": "polite" });
  private readonly large = el("img", { alt: "", class: "large", width: String(LARGE_PX), height: String(LARGE_PX) });
  private readonly details = el("p", { class: "details" });
  private filter: LabelFilter = "all";
  private order: LabelOrder;
  private um = 24;
  private size!: HTMLSelectElement;
  private predictions = false;
  private shown = false;

  constructor(
    private readonly review: Review,
    private readonly showOnSlide: (cell: number) => void,
  ) {
    const { study, selection } = review;
    this.types = [...study.classes, ...study.extra];
    this.order = study.predicted ? "type" : "uncertainty";
    const look = {
      label: "Cells to label",
      crop_px: CROP_PX,
      caption_px: 22,
      um: () => this.um,
      mark: (cells: Cells, cell: number) => (cells.label[cell] === null ? "unlabelled" : "labelled"),
      caption: (cells: Cells, cell: number) => this.caption(cells, cell),
      spoken: labelSpoken,
    };
    this.grid = new CropGrid(look, this.list, selection, showOnSlide);
    this.element.append(
      el("section", { class: "grid-pane", "aria-label": "Cells" }, this.choices(), this.grid.element),
      el("aside", { class: "types", "aria-label": "Types" }, this.large, this.details, this.buttons()),
    );
    review.opened.listen(() => this.sort());
    review.decisions.changed.listen(() => this.refresh());
    selection.changed.listen(() => this.selected());
  }

  show(): void {
    this.shown = true;
    this.sort(true);
    const { current } = this.review.selection;
    if (current !== null) this.grid.reveal(current);
    this.grid.element.focus({ preventScroll: true });
  }

  hide(): void {
    this.shown = false;
  }

  /** Label the selected cells (null: clear their labels), then go to the next cell without a label. */
  assign(label: string | null): void {
    const { selection, cells } = this.review;
    const labellable = [UNCHECKED, KEPT];
    const rows = selection.cells.filter((cell) => labellable.includes(cells!.status[cell]!));
    if (!rows.length) {
      this.review.hint.send(NOTHING_SELECTED);
      return;
    }
    this.review.decide("name", rows, { label });
    if (label === null) return;
    const last = Math.max(...rows.map((cell) => this.list.place.get(cell) ?? -1));
    const next = this.list.order.findIndex((cell, at) => at > last && cells!.label[cell] === null);
    if (last >= 0 && next >= 0) this.grid.goTo(next);
    else if (!this.review.left(this.review.slide!, true)) this.review.hint.send("All cells of this slide are labelled. W opens the next slide with work left.");
  }

  groups(): Group[] {
    const words = { arrows: "Next crop", held: "Select more", open: "Show on the slide" };
    return [
      {
        title: "Label the selected cells",
        commands: [
          ...this.types.map(({ name, key }) => ({ keys: key ? [key.toUpperCase()] : [], help: name, run: () => this.assign(name) })),
          { keys: ["Backspace", "Delete"], help: "Clear label", run: () => this.assign(null) },
        ],
      },
      cropCommands(this, this.review.selection, words),
      {
        title: "Pictures",
        commands: [
          { keys: ["+", "="], help: "Larger: fewer µm in a crop", run: () => this.zoom(-1) },
          { keys: ["-"], help: "Smaller: more µm in a crop", run: () => this.zoom(1) },
          { keys: ["Z"], help: "Zoom to the cell on the slide", run: () => this.openCurrent() },
        ],
      },
    ];
  }

  arrow(across: number, down: number, held: boolean): void {
    this.grid.step(across, down, held);
  }

  escape(): void {
    this.review.selection.clear();
  }

  /** One step of the crop size. */
  private zoom(step: number): void {
    const at = SIZES.findIndex(([um]) => um === String(this.um)) + step;
    if (!SIZES[at]) return;
    this.size.value = SIZES[at][0];
    this.um = Number(this.size.value);
    this.sort(true);
    this.selected();
  }

  private openCurrent(): void {
    const { current } = this.review.selection;
    if (current !== null) this.showOnSlide(current);
    else this.review.hint.send(NOTHING_SELECTED);
  }

  /** Filter and sort again. */
  sort(keepPlace = false): void {
    if (!this.shown) return;
    const { cells, problem, study } = this.review;
    const types = study.classes.map(({ name }) => name);
    this.list.set(cells ? toLabel(cells, this.filter, this.order, types) : []);
    const none = this.filter === "unlabelled" ? "All cells of this slide are labelled." : "No such cells.";
    this.grid.show(cells, problem ?? (cells ? none : "Loading"), keepPlace);
    this.showCounts();
  }

  private refresh(): void {
    if (!this.shown) return;
    this.grid.refresh();
    this.showCounts();
  }

  private selected(): void {
    if (!this.shown) return;
    const { selection, cells } = this.review;
    const cell = selection.current;
    this.showCounts();
    if (cell === null || !cells) {
      this.large.removeAttribute("src");
      setText(this.details, "");
      return;
    }
    const version = cells.cropVersion[cell]!;
    const source = version && cropPath(cells.slide, cells.id[cell]!, Math.min(512, Math.round(LARGE_PX * devicePixelRatio)), 2 * this.um, version);
    if (source) this.large.src = source;
    const predicted = this.predictions ? predictedText(cells, cell) : "";
    setText(this.details, selection.size > 1 ? `${selection.size} selected` : (cells.label[cell] ?? (predicted ? `predicted: ${predicted}` : "no label yet")));
  }

  private caption(cells: Cells, cell: number): string {
    return cells.label[cell] ?? (this.predictions ? predictedText(cells, cell) : "");
  }

  private showCounts(): void {
    const { cells, slide } = this.review;
    if (!slide) return;
    const { labelled, kept } = this.review.progress(slide);
    setText(this.about, `${positionText(this.list, this.review.selection)} · ${labelled.toLocaleString("en")} of ${kept.toLocaleString("en")} labelled`);
    const sums = new Map<string, number>();
    for (let cell = 0; cell < (cells?.count ?? 0); cell++) {
      const label = cells!.label[cell];
      if (label && cells!.status[cell] !== REMOVED && cells!.status[cell] !== REJECTED) sums.set(label, (sums.get(label) ?? 0) + 1);
    }
    for (const [name, element] of this.counts) setText(element, String(sums.get(name) ?? 0));
    const selected = this.review.selection.current;
    const label = selected === null ? null : cells?.label[selected];
    for (const [name, element] of this.counts) element.parentElement!.setAttribute("aria-pressed", String(name === label));
  }

  private buttons(): HTMLElement {
    const row = ({ name, key }: LabelClass): HTMLElement => {
      const count = el("span", { class: "count" }, "0");
      const press = button("", () => this.assign(name), { class: "type", "aria-pressed": "false" });
      press.append(el("kbd", {}, key ?? ""), el("span", { class: "name", title: name }, name), count);
      this.counts.set(name, count);
      return press;
    };
    const extra = this.review.study.extra.map(row);
    extra[0]?.classList.add("first-extra");
    const none = button("", () => this.assign(null), { class: "type" });
    none.append(el("kbd", {}, "⌫"), el("span", { class: "name" }, "Clear label"));
    return el("div", { class: "type-list" }, ...this.review.study.classes.map(row), ...extra, none);
  }

  private choices(): HTMLElement {
    const filters = [["all", "All cells"], ["unlabelled", "Unlabelled"], ["labelled", "Labelled"]] as const;
    const byType = this.review.study.predicted ? [["type", "By predicted type"] as const] : [];
    const orders = [...byType, ["uncertainty", "Most uncertain first"], ["position", "By position"]] as const;
    const crops = choice<string>("Crop size", SIZES, String(this.um), (value) => this.thenSort(() => (this.um = Number(value))));
    this.size = crops.querySelector("select")!;
    const bar = el(
      "div",
      { class: "choices" },
      choice<LabelFilter>("Show", filters, this.filter, (value) => this.thenSort(() => (this.filter = value))),
      choice<LabelOrder>("Order", orders, this.order, (value) => this.thenSort(() => (this.order = value))),
      crops,
    );
    if (this.review.study.predicted) bar.append(this.predictionsSwitch());
    bar.append(button("Refresh", () => this.sort(), { title: "Filter and sort again (R)" }), this.about);
    return bar;
  }

  private predictionsSwitch(): HTMLElement {
    const box = el("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      this.predictions = box.checked;
      this.refresh();
      this.selected();
      box.blur();
    });
    return el("label", { class: "choice" }, box, el("span", { class: "shown" }, "Predicted types"));
  }

  private thenSort(set: () => void): void {
    set();
    this.sort();
  }
}
