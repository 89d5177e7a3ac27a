/** Measuring a distance on the slide by dragging. */

import type { SlideView } from "./slide_view";

export interface Line {
  from: { x: number; y: number };
  to: { x: number; y: number };
}

export class Ruler {
  active = false;

  constructor(
    private readonly slide: SlideView,
    private readonly changed: () => void,
  ) {}

  toggle(): void {
    if (this.active) this.stop();
    else this.start();
  }

  stop(): void {
    this.active = false;
    this.slide.overlay.line = null;
    this.slide.redraw();
    this.changed();
  }

  /** Begin a line at a point in level-0 pixels. */
  press(at: { x: number; y: number }): void {
    this.slide.overlay.line = { from: at, to: at };
    this.slide.redraw();
  }

  pull(to: { x: number; y: number }): void {
    const { line } = this.slide.overlay;
    if (!line) return;
    this.slide.overlay.line = { ...line, to };
    this.slide.redraw();
  }

  private start(): void {
    this.active = true;
    this.changed();
  }
}
