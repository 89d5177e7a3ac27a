/** Undo and redo: what the next one would revert, and going to the cells that the last one changed. */

import { get, type SavedEvent } from "./api";
import { REMOVED } from "./cells";
import { button } from "./dom";
import type { Review } from "./review";
import { rowsOf } from "./seen_changes";

const PAUSE_MS = 250;

type Direction = "undo" | "redo";
type Steps = Record<Direction, string | null>;

export class UndoButtons {
  readonly elements: readonly HTMLButtonElement[];
  private timer = 0;
  private saved = true;

  constructor(
    private readonly review: Review,
    /** Called before a step, and after it with its events and the first changed row of the open slide. */
    private readonly finish: () => void,
    private readonly done: (events: readonly SavedEvent[], row: number | undefined) => void,
  ) {
    this.elements = (["undo", "redo"] as const).map((direction) => button(NAMES[direction], () => void this.run(direction)));
    this.title({ undo: null, redo: null });
    review.decisions.state.listen(() => this.stateChanged());
    review.decisions.seen.listen(() => this.later());
    review.opened.listen(() => this.later());
  }

  /** Undo or redo, and select the cells that changed, on whatever slide. */
  async run(direction: Direction): Promise<void> {
    const { review } = this;
    this.finish();
    const { events, step, note } = await review.decisions.undoOrRedo(direction);
    this.later();
    if (!events.length) return;
    const slides = events.map((event) => event.slide);
    if (!slides.includes(review.slide?.name ?? "")) await review.open(slides[0]!);
    const { cells } = review;
    const rows = cells ? rowsOf(events, cells) : [];
    const left = rows.filter((row) => cells!.status[row] !== REMOVED);
    review.selection.set(left, left[0] ?? null);
    this.done(events, rows[0]);
    review.hint.send(`${direction === "undo" ? "Undone" : "Done again"}: ${step ?? ""}`);
    if (note) review.decisions.refused.send(note);
  }

  /** Ask again when everything is saved. */
  private stateChanged(): void {
    const saved = !this.review.decisions.waiting;
    if (saved && !this.saved) this.later();
    this.saved = saved;
  }

  private later(): void {
    this.timer ||= window.setTimeout(() => void this.update(), PAUSE_MS);
  }

  private async update(): Promise<void> {
    this.timer = 0;
    const steps = await get<Steps>(`/api/steps?reader=${encodeURIComponent(this.review.reader)}`).catch(() => null);
    if (steps) this.title(steps);
  }

  private title(steps: Steps): void {
    for (const [at, direction] of (["undo", "redo"] as const).entries()) {
      const step = steps[direction];
      this.elements[at]!.title = step ? `${NAMES[direction]}: ${step} (${KEYS[direction]})` : `Nothing to ${direction}`;
      this.elements[at]!.classList.toggle("nothing", !step);
    }
  }
}

const NAMES: Record<Direction, string> = { undo: "Undo", redo: "Redo" };
const KEYS: Record<Direction, string> = { undo: "Ctrl+Z", redo: "Ctrl+Shift+Z" };
