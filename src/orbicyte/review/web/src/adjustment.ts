/** Small steps of position or size by keys, shown at once and saved as one decision after a pause. */

import type { Ghost } from "./overlay";
import type { Review } from "./review";
import type { SlideView } from "./slide_view";
import { NOTHING_SELECTED } from "./view";

const PAUSE_MS = 600;
const SMALLEST_PX = 4;

export class Adjustment {
  private cell: number | null = null;
  private timer = 0;

  constructor(
    private readonly review: Review,
    private readonly slide: SlideView,
  ) {
    review.selection.changed.listen(() => {
      if (review.selection.current !== this.cell) this.finish();
    });
    window.addEventListener("pagehide", () => this.finish());
  }

  moveBy(right_px: number, down_px: number): void {
    this.change((ghost) => ({ ...ghost, x: ghost.x + right_px, y: ghost.y + down_px }));
  }

  resizeBy(steps: number): void {
    const step = (ghost: Ghost): number => Math.max(1, Math.round(ghost.diameter * 0.04));
    this.change((ghost) => ({ ...ghost, diameter: Math.max(SMALLEST_PX, ghost.diameter + steps * step(ghost)) }));
  }

  /** Save what was adjusted so far as a decision. */
  finish(): void {
    const { cell, slide, review } = this;
    const { ghost } = slide.overlay;
    this.cell = null;
    window.clearTimeout(this.timer);
    if (cell === null || !ghost || !review.cells) return;
    slide.overlay.ghost = null;
    const { x, y, diameter } = review.cells;
    if (ghost.x !== x[cell] || ghost.y !== y[cell]) review.decide("move", [cell], { x_px: ghost.x, y_px: ghost.y });
    if (ghost.diameter !== diameter[cell]) review.decide("resize", [cell], { diameter_px: ghost.diameter });
    slide.redraw();
  }

  private change(changed: (ghost: Ghost) => Ghost): void {
    const { cells, selection } = this.review;
    const { current } = selection;
    if (current === null) this.review.hint.send(NOTHING_SELECTED);
    if (!cells || current === null) return;
    if (this.cell !== current) this.slide.overlay.ghost = null;
    this.cell = current;
    const now = { x: cells.x[current]!, y: cells.y[current]!, diameter: cells.diameter[current]! };
    this.slide.overlay.ghost = changed(this.slide.overlay.ghost ?? now);
    this.slide.redraw();
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.finish(), PAUSE_MS);
  }
}
