/** Adding a cell that was not detected: a dashed circle, until a click or Enter places it. */

import type { Review } from "./review";
import type { SlideView } from "./slide_view";

const ADDED_UM = 14;
const STEP_PX = 10;
const LONG_STEP_PX = 50;

export class Adding {
  active = false;

  constructor(
    private readonly review: Review,
    private readonly slide: SlideView,
    /** Called with the row of a new cell. */
    private readonly added: (row: number) => void,
    private readonly changed: () => void,
  ) {}

  /** Show the circle in the middle of the view. */
  start(): void {
    const { view } = this.slide;
    if (!view || !this.review.cells) return;
    this.active = true;
    this.slide.overlay.ghost = { x: view.left + view.width / 2, y: view.top + view.height / 2, diameter: this.diameter };
    this.slide.viewer.canvas.focus({ preventScroll: true });
    this.slide.redraw();
    this.changed();
  }

  stop(): void {
    this.active = false;
    this.slide.overlay.ghost = null;
    this.slide.redraw();
    this.changed();
  }

  /** Add the cell at a point in level-0 pixels, by default at its circle. */
  place(at: { x: number; y: number } | null = this.slide.overlay.ghost): void {
    const { slide } = this.review;
    if (!at) return;
    const inside = slide && at.x >= 0 && at.y >= 0 && at.x < slide.width_px && at.y < slide.height_px;
    const diameter = this.slide.overlay.ghost?.diameter ?? this.diameter;
    this.stop();
    const row = inside ? this.review.add(at.x, at.y, diameter) : undefined;
    if (row !== undefined) this.added(row);
  }

  /** Move the circle by steps in CSS pixels; `long`: larger ones. */
  moveBy(across: number, down: number, long: boolean): void {
    const { ghost } = this.slide.overlay;
    const scale = this.slide.view?.scale;
    if (!ghost || !scale) return;
    const step = (long ? LONG_STEP_PX : STEP_PX) / scale;
    this.slide.overlay.ghost = { ...ghost, x: ghost.x + across * step, y: ghost.y + down * step };
    this.slide.redraw();
  }

  private get diameter(): number {
    return ADDED_UM / (this.review.slide?.mpp ?? 0.25);
  }
}
