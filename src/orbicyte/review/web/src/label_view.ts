/** Label: crops of cells, and the list of types next to them. */

import { get } from "./api";
import { CellList, toLabel, type LabelOrder } from "./cell_list";
import { isAccepted, type Cells } from "./cells";
import { SIZES } from "./check_bars";
import { CropGrid } from "./crop_grid";
import { labelSpoken, positionText, predictedText } from "./crop_words";
import { el, setText } from "./dom";
import type { Group } from "./keys";
import { LabelBar } from "./label_bar";
import { labelCommands } from "./label_commands";
import type { LabelFilter } from "./label_filter";
import type { Review } from "./review";
import { target_px } from "./target";
import { TypeColours } from "./type_colours";
import { TypePanel } from "./type_panel";
import { NOTHING_SELECTED, WIDE_PX, type View } from "./view";

const CROP_PX = window.innerWidth < WIDE_PX ? 142 : 208;

export class LabelView implements View {
  readonly title = "Label";
  readonly element = el("main", { class: "label-view" });
  readonly grid: CropGrid;
  readonly list = new CellList();
  filter: LabelFilter = { show: "all", predicted: "any", by: new Set() };
  order: LabelOrder;
  um = 24;
  private readonly about = el("p", { class: "about", "aria-live": "polite" });
  private readonly panel: TypePanel;
  private readonly bar: LabelBar;
  private sorted = Promise.resolve();
  private predictions = false;
  private shown = false;

  constructor(
    readonly review: Review,
    private readonly showOnSlide: (cell: number) => void,
  ) {
    const { study, selection } = review;
    const colours = new TypeColours(study.classes.map(({ name }) => name));
    this.order = study.predicted ? "type" : "uncertainty";
    const look = {
      label: "Cells to label",
      crop_px: CROP_PX,
      caption_px: 22,
      um: () => this.um,
      mark: (cells: Cells, cell: number) => (cells.label[cell] === null ? "unlabelled" : "labelled"),
      caption: (cells: Cells, cell: number) => this.caption(cells, cell),
      spoken: labelSpoken,
      colour: (cells: Cells, cell: number) => colours.of(cells.label[cell] ?? (this.predictions ? cells.predicted[cell]! : null)),
      target_px: (cells: Cells, cell: number) => target_px(cells.diameter[cell]! * review.slide!.mpp, this.um, CROP_PX),
    };
    this.grid = new CropGrid(look, this.list, selection, showOnSlide);
    this.panel = new TypePanel(review, colours, (label) => this.assign(label));
    this.bar = new LabelBar(this, review, this.about);
    const pane = el("section", { class: "grid-pane", "aria-label": "Cells" }, this.bar.element, this.grid.element);
    this.element.append(pane, this.panel.element);
    review.opened.listen(() => void this.sort());
    review.decisions.changed.listen(() => this.refresh());
    selection.changed.listen(() => this.selected());
  }

  show(): void {
    this.shown = true;
    void this.sort(true).then(() => {
      const { current } = this.review.selection;
      if (current !== null) this.grid.reveal(current);
    });
    this.grid.element.focus({ preventScroll: true });
  }

  /** Show the crop of a cell, whatever the filter, unless it is rejected. */
  async reveal(cell: number): Promise<void> {
    await this.sorted;
    const { cells } = this.review;
    if (cells && isAccepted(cells, cell)) this.list.insert(cell, this.grid.firstInView);
    this.refresh();
    this.grid.reveal(cell);
  }

  hide(): void {
    this.shown = false;
  }

  groups(): Group[] {
    return labelCommands(this);
  }

  /** Label the selected cells (null: clear their labels), then go to the next cell without a label. */
  assign(label: string | null): void {
    const rows = this.labellable();
    if (!rows.length) {
      this.review.hint.send(NOTHING_SELECTED);
      return;
    }
    this.review.decide("name", rows, { label });
    if (label !== null) this.advance(rows);
  }

  /** Label each selected cell with its predicted type, if predicted types are shown. */
  acceptPredictions(): void {
    const { cells, study } = this.review;
    const known = study.classes.map(({ name }) => name);
    const rows = this.labellable();
    const predicted = rows.filter((cell) => known.includes(cells!.predicted[cell] ?? ""));
    if (!rows.length) this.review.hint.send(NOTHING_SELECTED);
    else if (!study.predicted) this.review.hint.send("There are no predicted types: run 'orbicyte classify' first.");
    else if (!this.predictions) this.review.hint.send("Switch on Predictions to accept them with Enter.");
    else if (!predicted.length) this.review.hint.send("The selected cells have no predicted type that is a type of this study.");
    else {
      this.review.decideEach("name", predicted.map((cell) => [cell, { label: cells!.predicted[cell]! }]));
      this.advance(predicted);
    }
  }

  arrow(across: number, down: number, held: boolean): void {
    this.grid.step(across, down, held);
  }

  escape(): void {
    this.review.selection.clear();
  }

  openCurrent(): void {
    const { current } = this.review.selection;
    if (current !== null) this.showOnSlide(current);
    else this.review.hint.send(NOTHING_SELECTED);
  }

  /** One step of the crop size. */
  zoom(step: number): void {
    const size = SIZES[SIZES.findIndex(([um]) => um === String(this.um)) + step];
    if (size) this.resize(Number(size[0]));
  }

  resize(um: number): void {
    this.um = um;
    this.bar.update();
    this.grid.refresh();
    this.selected();
  }

  filterBy(change: Partial<LabelFilter>): void {
    this.filter = { ...this.filter, ...change };
    void this.sort();
  }

  orderBy(order: LabelOrder): void {
    this.order = order;
    void this.sort();
  }

  showPredictions(shown: boolean): void {
    this.predictions = shown;
    this.refresh();
    this.selected();
  }

  /** Filter and sort again. */
  sort(keepPlace = false): Promise<void> {
    this.sorted = this.sortNow(keepPlace);
    return this.sorted;
  }

  private async sortNow(keepPlace: boolean): Promise<void> {
    if (!this.shown) return;
    this.bar.update();
    await this.askOthers();
    const { cells, problem, study } = this.review;
    const types = study.classes.map(({ name }) => name);
    this.list.set(cells ? toLabel(cells, this.filter, this.order, types) : []);
    const none = this.filter.show === "unlabelled" ? "All cells of this slide are labelled." : "No such cells.";
    this.grid.show(cells, problem, none, keepPlace);
    this.showCounts();
  }

  /** Ask which cells the other reader labelled, if they are wanted; not how. */
  private async askOthers(): Promise<void> {
    const { show } = this.filter;
    const { cells } = this.review;
    if (!show.startsWith("by:") || !cells) return;
    const path = `/api/slides/${encodeURIComponent(cells.slide)}/labelled?reader=${encodeURIComponent(show.slice(3))}`;
    const answer = await get<{ cells: string[] }>(path).catch(() => ({ cells: [] }));
    this.filter = { ...this.filter, by: new Set(answer.cells) };
  }

  private labellable(): number[] {
    const { selection, cells } = this.review;
    return selection.cells.filter((cell) => isAccepted(cells!, cell));
  }

  private advance(rows: number[]): void {
    const { cells, slide } = this.review;
    const last = Math.max(...rows.map((cell) => this.list.place.get(cell) ?? -1));
    const next = this.list.order.findIndex((cell, at) => at > last && cells!.label[cell] === null);
    if (last >= 0 && next >= 0) this.grid.goTo(next);
    else if (!this.review.left(slide!, true)) this.review.hint.send("All cells of this slide are labelled. W opens the next slide with work left.");
  }

  private refresh(): void {
    if (!this.shown) return;
    this.grid.refresh();
    this.showCounts();
  }

  private selected(): void {
    if (!this.shown) return;
    this.showCounts();
    this.panel.show(this.um, this.predictions);
  }

  private caption(cells: Cells, cell: number): string {
    return cells.label[cell] ?? (this.predictions ? predictedText(cells, cell) : "");
  }

  private showCounts(): void {
    const { slide } = this.review;
    if (!slide) return;
    const { labelled, kept } = this.review.progress(slide);
    const done = `${labelled.toLocaleString("en")} of ${kept.toLocaleString("en")} labelled`;
    setText(this.about, `${positionText(this.list, this.review.selection)} · ${done}`);
    this.panel.count();
  }
}
