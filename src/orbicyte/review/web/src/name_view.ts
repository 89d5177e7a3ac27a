/** Name: crops of kept cells, and the types at the side. */

import { cropPath, type NamedClass } from "./api";
import { CellList, toName, type NameFilter, type NameOrder } from "./cell_list";
import { KEPT, REJECTED, REMOVED, UNCHECKED, type Cells } from "./cells";
import { CropGrid } from "./crop_grid";
import { nameSpoken, predictedText } from "./crop_words";
import { button, choice, el, say } from "./dom";
import type { Group } from "./keys";
import type { Review } from "./review";
import { WIDE_PX, type View } from "./view";

const CROP_PX = window.innerWidth < WIDE_PX ? 142 : 208;
const LARGE_PX = 256;

export class NameView implements View {
  readonly title = "Name";
  readonly element = el("main", { class: "name-view" });
  readonly grid: CropGrid;
  private readonly list = new CellList();
  private readonly types: NamedClass[];
  private readonly counts = new Map<string, HTMLElement>();
  private readonly about = el("p", { class: "about", "aria-live": "polite" });
  private readonly large = el("img", { alt: "", class: "large", width: String(LARGE_PX), height: String(LARGE_PX) });
  private readonly details = el("p", { class: "details" });
  private filter: NameFilter = "all";
  private order: NameOrder;
  private um = 24;
  private predictions = false;
  private shown = false;

  constructor(
    private readonly review: Review,
    private readonly showOnSlide: (cell: number) => void,
  ) {
    const { study, selection } = review;
    this.types = [...study.classes, ...study.extra];
    this.order = study.predicted ? "type" : "doubt";
    const look = {
      label: "Cells to name",
      crop_px: CROP_PX,
      caption_px: 22,
      um: () => this.um,
      mark: (cells: Cells, cell: number) => (cells.label[cell] === null ? "unnamed" : "named"),
      caption: (cells: Cells, cell: number) => this.caption(cells, cell),
      spoken: nameSpoken,
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

  /** Name the chosen cells, and go on to the next one without a name. */
  name(label: string | null): void {
    const { selection, cells } = this.review;
    const nameable = [UNCHECKED, KEPT];
    const rows = selection.cells.filter((cell) => nameable.includes(cells!.status[cell]!));
    if (!rows.length) return;
    this.review.decide("name", rows, { label });
    if (label === null) return;
    const last = Math.max(...rows.map((cell) => this.list.place.get(cell) ?? -1));
    const next = this.list.order.findIndex((cell, at) => at > last && cells!.label[cell] === null);
    if (last >= 0 && next >= 0) this.grid.goTo(next);
  }

  groups(): Group[] {
    const arrows: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const { selection } = this.review;
    const toggle = (): void => {
      if (selection.current !== null) selection.toggle(selection.current);
    };
    const onSlide = (): void => {
      if (selection.current !== null) this.showOnSlide(selection.current);
    };
    return [
      {
        title: "Name the chosen cells",
        commands: [
          ...this.types.map(({ name, key }) => ({ keys: key ? [key.toUpperCase()] : [], says: name, run: () => this.name(name) })),
          { keys: ["Backspace", "Delete"], says: "Take the name away", run: () => this.name(null) },
        ],
      },
      {
        title: "Go through the crops",
        commands: [
          { keys: Object.keys(arrows), says: "Next crop", run: (key) => this.grid.step(...arrows[key]!, false) },
          {
            keys: Object.keys(arrows).map((key) => `Shift+${key}`),
            says: "Choose more",
            run: (key) => this.grid.step(...arrows[key.replace("Shift+", "")]!, true),
          },
          { keys: ["PageDown"], says: "A screen on", run: () => this.grid.page(1, false) },
          { keys: ["PageUp"], says: "A screen back", run: () => this.grid.page(-1, false) },
          { keys: ["Home"], says: "First", run: () => this.grid.goTo(0) },
          { keys: ["End"], says: "Last", run: () => this.grid.goTo(this.list.order.length - 1) },
          { keys: ["Space"], says: "Choose or leave out the current one", run: toggle },
          { keys: ["Ctrl+A"], says: "Choose all that are shown", run: () => selection.set(this.list.order, selection.current) },
          { keys: ["Shift+R"], says: "Filter and sort anew", run: () => this.sort() },
          { keys: ["Escape"], says: "Choose nothing", run: () => selection.clear() },
          { keys: ["Enter"], says: "Show on the slide", run: onSlide },
        ],
        mouse: [
          ["Click, Shift, Ctrl", "Choose one, up to here, one more"],
          ["Drag", "Choose all crops in the rectangle"],
          ["Double click", "Show on the slide"],
        ],
      },
    ];
  }

  private sort(keepPlace = false): void {
    if (!this.shown) return;
    const { cells, problem, study } = this.review;
    const types = study.classes.map(({ name }) => name);
    this.list.set(cells ? toName(cells, this.filter, this.order, types) : []);
    const none = this.filter === "unnamed" ? "Every cell of this slide has a name." : "No such cells.";
    this.grid.show(cells, problem ?? (cells ? none : "Loading"), keepPlace);
    this.tell();
  }

  private refresh(): void {
    if (!this.shown) return;
    this.grid.refresh();
    this.tell();
  }

  private selected(): void {
    if (!this.shown) return;
    const { selection, cells } = this.review;
    const cell = selection.current;
    this.tell();
    if (cell === null || !cells) {
      this.large.removeAttribute("src");
      say(this.details, "");
      return;
    }
    const version = cells.cropVersion[cell]!;
    const source = version && cropPath(cells.slide, cells.id[cell]!, Math.min(512, Math.round(LARGE_PX * devicePixelRatio)), 2 * this.um, version);
    if (source) this.large.src = source;
    const predicted = this.predictions ? predictedText(cells, cell) : "";
    say(this.details, selection.size > 1 ? `${selection.size} chosen` : (cells.label[cell] ?? (predicted ? `predicted: ${predicted}` : "no name yet")));
  }

  private caption(cells: Cells, cell: number): string {
    return cells.label[cell] ?? (this.predictions ? predictedText(cells, cell) : "");
  }

  private tell(): void {
    const { cells, slide } = this.review;
    if (!slide) return;
    const { named, kept } = this.review.progress(slide);
    say(this.about, `${this.list.order.length.toLocaleString("en")} shown · ${named.toLocaleString("en")} of ${kept.toLocaleString("en")} named`);
    const sums = new Map<string, number>();
    for (let cell = 0; cell < (cells?.count ?? 0); cell++) {
      const label = cells!.label[cell];
      if (label && cells!.status[cell] !== REMOVED && cells!.status[cell] !== REJECTED) sums.set(label, (sums.get(label) ?? 0) + 1);
    }
    for (const [name, element] of this.counts) say(element, String(sums.get(name) ?? 0));
    const chosen = this.review.selection.current;
    const label = chosen === null ? null : cells?.label[chosen];
    for (const [name, element] of this.counts) element.parentElement!.setAttribute("aria-pressed", String(name === label));
  }

  private buttons(): HTMLElement {
    const row = ({ name, key }: NamedClass): HTMLElement => {
      const count = el("span", { class: "count" }, "0");
      const press = button("", () => this.name(name), { class: "type", "aria-pressed": "false" });
      press.append(el("kbd", {}, key ?? ""), el("span", { class: "name", title: name }, name), count);
      this.counts.set(name, count);
      return press;
    };
    const extra = this.review.study.extra.map(row);
    extra[0]?.classList.add("first-extra");
    const none = button("", () => this.name(null), { class: "type" });
    none.append(el("kbd", {}, "⌫"), el("span", { class: "name" }, "take the name away"));
    return el("div", { class: "type-list" }, ...this.review.study.classes.map(row), ...extra, none);
  }

  private choices(): HTMLElement {
    const filters = [["all", "All"], ["unnamed", "Without a name"], ["named", "Named"]] as const;
    const byType = this.review.study.predicted ? [["type", "By predicted type"] as const] : [];
    const orders = [...byType, ["doubt", "Most doubtful first"], ["position", "By position"]] as const;
    const fields = [["16", "16 µm"], ["24", "24 µm"], ["36", "36 µm"], ["60", "60 µm"]] as const;
    const bar = el(
      "div",
      { class: "choices" },
      choice<NameFilter>("Show", filters, this.filter, (value) => this.anew(() => (this.filter = value))),
      choice<NameOrder>("Order", orders, this.order, (value) => this.anew(() => (this.order = value))),
      choice<string>("Field", fields, String(this.um), (value) => this.anew(() => (this.um = Number(value)))),
    );
    if (this.review.study.predicted) bar.append(this.predictionsSwitch());
    bar.append(button("Sort anew", () => this.sort(), { title: "Filter and sort anew (Shift+R)" }), this.about);
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
    return el("label", { class: "choice" }, box, el("span", {}, "Predicted types"));
  }

  private anew(set: () => void): void {
    set();
    this.sort();
  }
}
