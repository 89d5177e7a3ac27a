/** Check: the slide with its cells, and the crops of the candidates next to it. */

import { get } from "./api";
import { Adjustment } from "./adjustment";
import { CellList, toCheck, type CheckFilter, type CheckOrder } from "./cell_list";
import { REMOVED, UNCHECKED } from "./cells";
import { checkCommands } from "./check_commands";
import { CropGrid } from "./crop_grid";
import { checkSpoken, MARKS, scoreText } from "./crop_words";
import { button, choice, el, setText } from "./dom";
import { Gestures } from "./gestures";
import type { Group } from "./keys";
import type { Review } from "./review";
import { SlideView } from "./slide_view";
import { WIDE_PX, type View } from "./view";

const CROP_PX = window.innerWidth < WIDE_PX ? 96 : 128;
const ADDED_UM = 14;

export class CheckView implements View {
  readonly title = "Check";
  readonly element = el("main", { class: "check" });
  readonly slide: SlideView;
  readonly grid: CropGrid;
  readonly adjustment: Adjustment;
  adding = false;
  private readonly list = new CellList();
  private readonly about = el("p", { class: "about", "aria-live": "polite" });
  private readonly refreshButton = button("Refresh", () => this.sort(), { title: "Filter and sort again (R)" });
  private readonly addButton = button("Add", () => this.add(), { title: "Add a cell (A)", "aria-pressed": "false" });
  private filter: CheckFilter = "unchecked";
  private order: CheckOrder = "uncertainty";
  private um = 24;
  private outlined = false;
  private fromSlide = false;
  private shown = false;

  constructor(readonly review: Review) {
    const { selection } = review;
    this.slide = new SlideView(selection);
    this.adjustment = new Adjustment(review, this.slide);
    const look = {
      label: "Candidates",
      crop_px: CROP_PX,
      caption_px: 18,
      um: () => this.um,
      mark: (cells: { status: number[] }, cell: number) => MARKS[cells.status[cell]!]!,
      caption: scoreText,
      spoken: checkSpoken,
    };
    this.grid = new CropGrid(look, this.list, selection, (cell) => this.slide.zoomTo(cell));
    this.element.append(
      el("section", { class: "slide-pane", "aria-label": "Slide" }, this.tools(), this.slide.element, this.legend()),
      el("section", { class: "grid-pane", "aria-label": "Candidates" }, this.choices(), this.grid.element),
    );
    new Gestures(this.slide, selection, {
      cells: () => review.cells,
      adding: () => this.adding,
      select: (cell, toggle) => this.selectOnSlide(cell, toggle),
      add: (x, y) => this.place(x, y),
      move: (cell, x_px, y_px) => review.decide("move", [cell], { x_px, y_px }),
      resize: (cell, diameter_px) => review.decide("resize", [cell], { diameter_px }),
      resizeBy: (steps) => this.adjustment.resizeBy(steps),
    });
    review.opened.listen(() => this.openSlide());
    review.decisions.changed.listen(() => this.refresh());
    selection.changed.listen(() => this.selected());
  }

  show(): void {
    this.shown = true;
    this.sort(true);
    this.slide.viewer.forceResize();
    this.selected();
  }

  hide(): void {
    this.adjustment.finish();
    this.shown = false;
  }

  groups(): Group[] {
    return checkCommands(this);
  }

  /** Set the status of the selected cells, then go to the next. */
  mark(status: "kept" | "rejected" | "unchecked"): void {
    const { selection, cells } = this.review;
    this.adjustment.finish();
    const rows = selection.cells.filter((cell) => cells?.status[cell] !== REMOVED);
    if (!rows.length) return;
    this.review.decide("check", rows, { status });
    if (status !== "unchecked") this.advance(rows);
  }

  /** The arrow keys move the cell if the slide has the focus; otherwise they go to another crop. */
  arrow(across: number, down: number, held: boolean): void {
    if (!this.slide.element.contains(document.activeElement)) this.grid.step(across, down, held);
    else if (this.adding) this.moveGhost(across * (held ? 50 : 10), down * (held ? 50 : 10));
    else this.adjustment.moveBy(across * (held ? 10 : 1), down * (held ? 10 : 1));
  }

  /** Start adding: the next click, or Enter, places a cell. */
  add(): void {
    const { view } = this.slide;
    if (!view || !this.review.cells) return;
    this.adjustment.finish();
    this.adding = true;
    this.addButton.setAttribute("aria-pressed", "true");
    const diameter = this.addedDiameter();
    this.slide.overlay.ghost = { x: view.left + view.width / 2, y: view.top + view.height / 2, diameter };
    this.slide.viewer.canvas.focus({ preventScroll: true });
    this.slide.redraw();
  }

  /** Add the cell at its dashed circle. */
  placeGhost(): void {
    const { ghost } = this.slide.overlay;
    if (ghost) this.place(ghost.x, ghost.y);
  }

  escape(): void {
    if (this.adding) this.stopAdding();
    else this.review.selection.clear();
  }

  toggleOutline(): void {
    this.outlined = !this.outlined;
    void this.outline();
  }

  selectAll(): void {
    this.review.selection.set(this.list.order, this.review.selection.current ?? this.list.order[0] ?? null);
  }

  toggleSelected(): void {
    const { current } = this.review.selection;
    if (current !== null) this.review.selection.toggle(current);
  }

  goTo(at: number): void {
    this.grid.goTo(at < 0 ? this.list.order.length - 1 : at);
  }

  /** Filter and sort again. */
  sort(keepPlace = false): void {
    const { cells, problem } = this.review;
    this.list.set(cells ? toCheck(cells, this.filter, this.order) : []);
    const none = cells ? (this.filter === "unchecked" ? "All cells of this slide are checked." : "No such cells.") : "Loading";
    this.grid.show(cells, problem ?? none, keepPlace);
    this.showCounts();
  }

  private openSlide(): void {
    const { slide, cells } = this.review;
    if (!cells) {
      this.stopAdding();
      this.slide.open(slide);
    }
    this.slide.show(cells);
    this.sort();
  }

  private refresh(): void {
    if (!this.shown) return;
    this.slide.refresh();
    this.grid.refresh();
    this.showCounts();
  }

  private selected(): void {
    const { current, size } = this.review.selection;
    void this.outline();
    if (!this.shown || current === null || size !== 1) return;
    this.grid.reveal(current);
    if (!this.fromSlide) this.slide.follow(current);
  }

  private selectOnSlide(cell: number | null, toggle: boolean): void {
    const { selection } = this.review;
    this.fromSlide = true;
    if (cell === null) selection.clear();
    else if (toggle) selection.toggle(cell);
    else selection.only(cell);
    this.fromSlide = false;
  }

  private advance(done: number[]): void {
    const last = Math.max(...done.map((cell) => this.list.place.get(cell) ?? -1));
    if (last < 0) return;
    const { status } = this.review.cells!;
    const open = this.list.order.findIndex((cell, at) => at > last && (this.filter !== "unchecked" || status[cell] === UNCHECKED));
    if (open >= 0) this.grid.goTo(open);
  }

  private place(x: number, y: number): void {
    const { slide } = this.review;
    const inside = slide && x >= 0 && y >= 0 && x < slide.width_px && y < slide.height_px;
    const diameter = this.slide.overlay.ghost?.diameter ?? this.addedDiameter();
    this.stopAdding();
    const row = inside ? this.review.add(x, y, diameter) : undefined;
    if (row === undefined) return;
    this.list.append(row);
    this.refresh();
    this.selectOnSlide(row, false);
  }

  private moveGhost(right_px: number, down_px: number): void {
    const { ghost } = this.slide.overlay;
    const scale = this.slide.view?.scale;
    if (!ghost || !scale) return;
    this.slide.overlay.ghost = { ...ghost, x: ghost.x + right_px / scale, y: ghost.y + down_px / scale };
    this.slide.redraw();
  }

  private stopAdding(): void {
    this.adding = false;
    this.addButton.setAttribute("aria-pressed", "false");
    this.slide.overlay.ghost = null;
    this.slide.redraw();
  }

  private addedDiameter(): number {
    return ADDED_UM / (this.review.slide?.mpp ?? 0.25);
  }

  private async outline(): Promise<void> {
    const { selection, cells } = this.review;
    const { current } = selection;
    this.slide.overlay.outline = null;
    this.slide.redraw();
    if (!this.outlined || current === null || !cells || !this.shown) return;
    const path = `/api/slides/${encodeURIComponent(cells.slide)}/cells/${encodeURIComponent(cells.id[current]!)}/outline`;
    const { outline_px } = await get<{ outline_px: number[] | null }>(path).catch(() => ({ outline_px: null }));
    if (selection.current === current) this.slide.overlay.outline = outline_px;
    this.slide.redraw();
  }

  private showCounts(): void {
    const { slide, selection } = this.review;
    if (!slide) return;
    const { total, checked } = this.review.progress(slide);
    const selected = selection.size > 1 ? `${selection.size} selected · ` : "";
    setText(this.about, `${selected}${this.list.order.length.toLocaleString("en")} shown · ${(total - checked).toLocaleString("en")} unchecked`);
  }

  private tools(): HTMLElement {
    const tool = (sign: string, label: string, key: string, run: () => void): HTMLElement =>
      button(sign, run, { title: `${label} (${key})`, "aria-label": label });
    return el(
      "div",
      { class: "tools", role: "toolbar", "aria-label": "Selected cells" },
      button("Keep", () => this.mark("kept"), { class: "keep", title: "Keep (K or Enter)" }),
      button("Reject", () => this.mark("rejected"), { class: "reject", title: "Reject (X or Delete)" }),
      tool("Reset", "Reset to unchecked", "U", () => this.mark("unchecked")),
      this.addButton,
      tool("−", "Smaller", "-", () => this.adjustment.resizeBy(-1)),
      tool("+", "Larger", "+", () => this.adjustment.resizeBy(1)),
      el("span", { class: "gap" }),
      tool("Outline", "Show the detected outline", "O", () => this.toggleOutline()),
      tool("Zoom", "Zoom to the cell", "Z", () => this.zoomToCurrent()),
      tool("Whole", "Whole slide", "0", () => this.slide.whole()),
    );
  }

  zoomToCurrent(): void {
    const { current } = this.review.selection;
    if (current !== null) this.slide.zoomTo(current);
  }

  private choices(): HTMLElement {
    const filters = [["unchecked", "Unchecked"], ["kept", "Kept"], ["rejected", "Rejected"], ["all", "All"]] as const;
    const orders = [["uncertainty", "Most uncertain first"], ["position", "By position"], ["score", "Highest score first"]] as const;
    const sizes = [["16", "16 µm"], ["24", "24 µm"], ["36", "36 µm"], ["60", "60 µm"]] as const;
    const thenSort = <T>(set: (value: T) => void) => (value: T): void => {
      set(value);
      this.sort();
    };
    return el(
      "div",
      { class: "choices" },
      choice<CheckFilter>("Show", filters, this.filter, thenSort((value) => (this.filter = value))),
      choice<CheckOrder>("Order", orders, this.order, thenSort((value) => (this.order = value))),
      choice<string>("Crop size", sizes, String(this.um), thenSort((value) => (this.um = Number(value)))),
      this.refreshButton,
      this.about,
    );
  }

  private legend(): HTMLElement {
    const entry = (mark: string): HTMLElement => el("span", { class: `key ${mark}` }, el("i"), mark);
    return el("p", { class: "legend" }, entry("unchecked"), entry("kept"), entry("rejected"), "Zoomed out: density of cells");
  }
}
