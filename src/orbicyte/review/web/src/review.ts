/** The open study, reader, slide, cells and selection. Views read it and make decisions through it. */

import { get, getStudy, type CellColumns, type Fields, type Kind, type SlideInfo, type StudyInfo } from "./api";
import { Cells } from "./cells";
import { Decisions } from "./decisions";
import { Pace } from "./pace";
import { progressOf, type Progress } from "./progress";
import { Selection } from "./selection";
import { Signal } from "./signal";
import { Unsaved } from "./unsaved";
import { uuid } from "./uuid";

const COUNTS_MS = 5000;

export class Review {
  readonly selection = new Selection();
  readonly decisions: Decisions;
  /** Another slide is open, or the same one was loaded again. */
  readonly opened = new Signal();
  /** The counts of slides may have changed. */
  readonly counted = new Signal();
  /** One line for a moment: why nothing happened, or what did. */
  readonly hint = new Signal<string>();
  readonly pace = new Pace();
  slide: SlideInfo | null = null;
  cells: Cells | null = null;
  /** Why the open slide shows no cells. */
  problem: string | null = null;
  private counting = 0;

  constructor(
    public study: StudyInfo,
    public reader: string,
  ) {
    this.decisions = new Decisions(new Unsaved(study.id), () => this.reader);
    this.decisions.changed.listen(() => this.counted.send());
    this.decisions.seen.listen(() => this.countLater());
  }

  async open(name: string): Promise<void> {
    const slide = this.study.slides.find((candidate) => candidate.name === name);
    if (!slide) return;
    this.leave();
    this.slide = slide;
    this.cells = null;
    this.problem = slide.problem;
    this.selection.clear();
    this.opened.send();
    try {
      const path = `/api/slides/${encodeURIComponent(name)}/cells?reader=${encodeURIComponent(this.reader)}`;
      const columns = await get<CellColumns>(path);
      if (this.slide !== slide) return;
      this.cells = new Cells(name, slide.width_px, slide.height_px, columns);
      this.decisions.open(this.cells);
    } catch (error) {
      this.problem = (error as Error).message;
    }
    this.opened.send();
    this.counted.send();
  }

  async openNeighbour(step: number): Promise<void> {
    const { slides } = this.study;
    const at = slides.findIndex((slide) => slide.name === this.slide?.name);
    const next = slides[at + step];
    if (next) await this.open(next.name);
  }

  async changeReader(reader: string): Promise<void> {
    this.leave();
    this.cells = null;
    this.reader = reader;
    if (this.slide) await this.open(this.slide.name);
    await this.count();
  }

  /** How many cells of `slide` are not labelled by this reader, or not checked. */
  left(slide: SlideInfo, labelling: boolean): number {
    const { total, checked, kept, labelled } = this.progress(slide);
    return Math.max(0, labelling ? kept - labelled : total - checked);
  }

  /** Open the next slide, in a circle, that has work left. */
  async openNextWithWork(labelling: boolean): Promise<void> {
    const { slides } = this.study;
    const at = slides.findIndex((slide) => slide.name === this.slide?.name);
    const others = [...slides.slice(at + 1), ...slides.slice(0, Math.max(0, at))];
    const next = others.find((slide) => !slide.problem && this.left(slide, labelling));
    if (next) await this.open(next.name);
    else this.hint.send(`All cells of the other slides are ${labelling ? "labelled" : "checked"}.`);
  }

  /** One decision about each of `rows`, undone together. Only shows a message if the study is read-only. */
  decide(kind: Kind, rows: readonly number[], after: Fields): void {
    this.decideEach(kind, rows.map((row) => [row, after]));
  }

  /** As `decide`, with fields of its own for each row. */
  decideEach(kind: Kind, changes: readonly (readonly [number, Fields])[]): void {
    this.pace.add(changes.length, performance.now());
    this.decideAll(kind, changes.map(([row, after]) => [this.cells!.id[row]!, after]));
  }

  /** Add a cell; returns its row. */
  add(x: number, y: number, diameter: number): number | undefined {
    const id = uuid();
    this.decideAll("add", [[id, { x_px: x, y_px: y, diameter_px: diameter }]]);
    return this.cells?.find(id);
  }

  progress(slide: SlideInfo): Progress {
    const { cells } = this;
    if (cells?.slide === slide.name) return progressOf(cells);
    const labelled = slide.labelled[this.reader] ?? 0;
    return { total: slide.cells + (slide.rejected ?? 0), checked: slide.checked, kept: slide.cells, labelled };
  }

  /** Keep the counts of the open slide, which are newer than those of the server's last answer. */
  private leave(): void {
    const { cells } = this;
    const slide = this.study.slides.find(({ name }) => name === cells?.slide);
    if (!slide) return;
    const { total, checked, kept, labelled } = this.progress(slide);
    Object.assign(slide, { cells: kept, rejected: total - kept, checked });
    slide.labelled[this.reader] = labelled;
  }

  private decideAll(kind: Kind, changes: readonly (readonly [string, Fields])[]): void {
    if (!this.study.writable) {
      this.decisions.refused.send(this.study.note ?? "This study is read-only: nothing can be changed.");
      return;
    }
    const slide = this.cells!.slide;
    this.decisions.decide(changes.map(([cell, after]) => ({ id: uuid(), slide, cell, kind, after })));
  }

  private countLater(): void {
    this.counting ||= window.setTimeout(() => void this.count(), COUNTS_MS);
  }

  private async count(): Promise<void> {
    this.counting = 0;
    try {
      this.study = await getStudy();
      this.counted.send();
    } catch {
      // the status line already reports that the server does not answer
    }
  }
}
