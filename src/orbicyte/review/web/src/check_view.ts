/** Check: the slide with its cells, and the crops of the candidates next to it. */

import { Adding } from "./adding";
import { Adjustment } from "./adjustment";
import { get } from "./api";
import { CellList, toCheck, type CheckFilter, type CheckOrder } from "./cell_list";
import { REMOVED, UNCHECKED } from "./cells";
import { choicesBar, legend, toolsBar } from "./check_bars";
import { checkCommands } from "./check_commands";
import { CropGrid } from "./crop_grid";
import { checkSpoken, MARKS, positionText, scoreText } from "./crop_words";
import { el, setText } from "./dom";
import { Gestures } from "./gestures";
import type { Group } from "./keys";
import { Moving } from "./moving";
import type { Review } from "./review";
import { Ruler } from "./ruler";
import { SlideView } from "./slide_view";
import { NOTHING_SELECTED, WIDE_PX, type View } from "./view";

const CROP_PX = window.innerWidth < WIDE_PX ? 96 : 128;

export class CheckView implements View {
  readonly title = "Check";
  readonly element = el("main", { class: "check" });
  readonly slide: SlideView;
  readonly grid: CropGrid;
  readonly adjustment: Adjustment;
  readonly adding: Adding;
  readonly moving: Moving;
  readonly ruler: Ruler;
  readonly list = new CellList();
  filter: CheckFilter = "unchecked";
  order: CheckOrder = "uncertainty";
  um = 24;
  private readonly about = el("p", { class: "about", "aria-live": "polite" });
  private readonly mode = el("p", { class: "mode", role: "status" });
  private outlined = false;
  private fromSlide = false;
  private shown = false;

  constructor(readonly review: Review) {
    const { selection } = review;
    this.slide = new SlideView(selection);
    this.adjustment = new Adjustment(review, this.slide);
    const { bar, add, move, measure } = toolsBar(this);
    this.ruler = new Ruler(this.slide, () => measure.setAttribute("aria-pressed", String(this.ruler.active)));
    const adding = (): void => add.setAttribute("aria-pressed", String(this.adding.active));
    this.adding = new Adding(review, this.slide, (row) => this.added(row), adding);
    this.moving = new Moving(selection, () => this.showMoving(move));
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
    this.slide.element.append(this.mode);
    this.element.append(
      el("section", { class: "slide-pane", "aria-label": "Slide" }, bar, this.slide.element, legend()),
      el("section", { class: "grid-pane", "aria-label": "Candidates" }, choicesBar(this, this.about), this.grid.element),
    );
    new Gestures(this.slide, selection, {
      cells: () => review.cells,
      adding: () => this.adding.active,
      ruler: this.ruler,
      select: (cell, toggle) => this.selectOnSlide(cell, toggle),
      add: (x, y) => this.adding.place({ x, y }),
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
    this.moving.stop();
    this.adjustment.finish();
    this.shown = false;
  }

  /** Show a cell of any status: its crop, and its place on the slide. */
  reveal(cell: number): void {
    if (this.review.cells?.status[cell] !== REMOVED) this.list.insert(cell, this.grid.firstInView);
    this.refresh();
    this.grid.reveal(cell);
    this.slide.whenOpen(() => this.slide.follow(cell));
  }

  groups(): Group[] {
    return checkCommands(this);
  }

  /** Keep the selected cells; Enter places the cell that is being added, if there is one. */
  accept(key: string): void {
    if (key === "Enter" && this.adding.active) this.adding.place();
    else this.mark("kept");
  }

  /** Set the status of the selected cells, then go to the next. */
  mark(status: "kept" | "rejected" | "unchecked"): void {
    const { selection, cells } = this.review;
    this.moving.stop();
    this.adjustment.finish();
    const rows = selection.cells.filter((cell) => cells?.status[cell] !== REMOVED);
    if (!rows.length) {
      this.review.hint.send(NOTHING_SELECTED);
      return;
    }
    this.review.decide("check", rows, { status });
    if (status !== "unchecked") this.advance(rows);
  }

  /** The arrow keys go to another crop, except while a cell is moved or added. */
  arrow(across: number, down: number, held: boolean): void {
    if (this.adding.active) this.adding.moveBy(across, down, held);
    else if (this.moving.active) this.adjustment.moveBy(across * (held ? 10 : 1), down * (held ? 10 : 1));
    else this.grid.step(across, down, held);
  }

  /** Start to add a cell. */
  add(): void {
    this.endMode();
    this.adjustment.finish();
    this.adding.start();
  }

  /** Start or stop moving the current cell with the arrow keys. */
  move(): void {
    if (this.endMode() === this.moving) return;
    if (this.moving.start()) this.slide.viewer.canvas.focus({ preventScroll: true });
    else this.review.hint.send(NOTHING_SELECTED);
  }

  /** Start or stop measuring. */
  measure(): void {
    if (this.endMode() !== this.ruler) this.ruler.toggle();
  }

  /** Use the arrow keys on the crops again. */
  toCrops(): void {
    this.endMode();
    this.grid.element.focus();
  }

  escape(): void {
    if (!this.endMode()) this.review.selection.clear();
  }

  toggleOutline(): void {
    this.outlined = !this.outlined;
    void this.outline();
  }

  /** Filter and sort again. */
  sort(keepPlace = false): void {
    const { cells, problem } = this.review;
    this.list.set(cells ? toCheck(cells, this.filter, this.order) : []);
    const none = this.filter === "unchecked" ? "All cells of this slide are checked." : "No such cells.";
    this.grid.show(cells, problem, none, keepPlace);
    this.showCounts();
  }

  private openSlide(): void {
    const { slide, cells } = this.review;
    if (!cells) {
      this.adding.stop();
      this.ruler.stop();
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
    this.showCounts();
    if (!this.shown || current === null || size !== 1) return;
    this.grid.reveal(current);
    if (!this.fromSlide) this.slide.follow(current);
  }

  /** Stop moving, adding or measuring; returns which it was. */
  private endMode(): Moving | Adding | Ruler | undefined {
    const mode = [this.moving, this.adding, this.ruler].find(({ active }) => active);
    mode?.stop();
    return mode;
  }

  private showMoving(button: HTMLElement): void {
    const { active } = this.moving;
    button.setAttribute("aria-pressed", String(active));
    setText(this.mode, active ? "Arrows move the cell; Esc ends" : "");
    if (!active) this.adjustment.finish();
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
    else if (!status.includes(UNCHECKED)) this.review.hint.send("All cells of this slide are checked. W opens the next slide with work left.");
  }

  /** A new cell is inserted in the grid after the current one, so that the grid does not scroll. */
  private added(row: number): void {
    const { current } = this.review.selection;
    const after = current === null ? undefined : this.list.place.get(current);
    this.list.insert(row, after === undefined ? this.grid.firstInView : after + 1);
    this.refresh();
    this.selectOnSlide(row, false);
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
    setText(this.about, `${positionText(this.list, selection)} · ${(total - checked).toLocaleString("en")} unchecked`);
  }

  zoomToCurrent(): void {
    const { current } = this.review.selection;
    if (current !== null) this.slide.zoomTo(current);
    else this.review.hint.send(NOTHING_SELECTED);
  }
}
