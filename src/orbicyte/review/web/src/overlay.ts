/** The cells over the slide: their density if zoomed out, circles if zoomed in, the selected ones always. */

import type { ViewBox } from "./view_box";
import { KEPT, REJECTED, REMOVED, UNCHECKED, type Cells } from "./cells";
import { Density } from "./density";
import { circle, cross, CURRENT_INK, INKS, outline, ring, ruler, SELECTED_INK, stroke, type Ring } from "./marks";
import type { Line } from "./ruler";
import type { Selection } from "./selection";

/** If more are in view, their density is shown. */
const MOST_CIRCLES = 2500;
const SMALLEST_CIRCLE_PX = 5;

/** The dashed circle of a cell that is being added or dragged, in level-0 pixels. */
export type Ghost = Ring;

export class Overlay {
  readonly canvas = document.createElement("canvas");
  ghost: Ghost | null = null;
  /** The detected outline of the current cell. */
  outline: number[] | null = null;
  /** A measured distance. */
  line: Line | null = null;
  private readonly pen: CanvasRenderingContext2D;
  private density: Density | null = null;
  private cells: Cells | null = null;
  private size: [number, number] = [1, 1];
  private mpp = 1;

  constructor(private readonly selection: Selection) {
    this.canvas.className = "overlay";
    this.canvas.setAttribute("aria-hidden", "true");
    this.pen = this.canvas.getContext("2d")!;
  }

  open(cells: Cells | null, width_px: number, height_px: number, mpp: number): void {
    this.cells = cells;
    this.mpp = mpp;
    this.size = [width_px, height_px];
    this.density = null;
  }

  /** Cells have changed: calculate the density again when it is next shown. */
  stale(): void {
    this.density = null;
  }

  draw(view: ViewBox): void {
    const { pen, cells } = this;
    this.fit(view);
    pen.clearRect(0, 0, view.width * view.scale, view.height * view.scale);
    if (!cells) return;
    const seen = this.inView(cells, view);
    this.canvas.dataset["shows"] = seen ? "circles" : "density";
    if (seen) this.circles(cells, seen, view);
    else this.heat(cells, view);
    this.selected(cells, view);
    if (this.outline) outline(pen, this.outline, view);
    if (this.ghost) ring(pen, this.ghost, view, CURRENT_INK, 0, [6, 5]);
    this.canvas.dataset["measured"] = this.line ? ruler(pen, this.line, view, this.mpp) : "";
  }

  private fit(view: ViewBox): void {
    const dpr = window.devicePixelRatio;
    const [width, height] = [Math.round(view.width * view.scale * dpr), Math.round(view.height * view.scale * dpr)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  }

  /** The cells in view; null if they are too many or too small. */
  private inView(cells: Cells, view: ViewBox): number[] | null {
    const [right, bottom] = [view.left + view.width, view.top + view.height];
    const seen: number[] = [];
    let small = 0;
    cells.buckets.within(view.left, view.top, right, bottom, (cell) => {
      if (seen.length > MOST_CIRCLES || cells.status[cell] === REMOVED) return;
      const radius = cells.diameter[cell]! / 2;
      const [x, y] = [cells.x[cell]!, cells.y[cell]!];
      if (x + radius < view.left || x - radius > right || y + radius < view.top || y - radius > bottom) return;
      seen.push(cell);
      if (2 * radius * view.scale < SMALLEST_CIRCLE_PX) small++;
    });
    return seen.length > MOST_CIRCLES || small > seen.length / 2 ? null : seen;
  }

  private heat(cells: Cells, view: ViewBox): void {
    this.density ??= new Density(cells, ...this.size);
    const [width, height] = this.density.span;
    const { scale } = view;
    this.pen.drawImage(this.density.picture, -view.left * scale, -view.top * scale, width * scale, height * scale);
  }

  private circles(cells: Cells, seen: number[], view: ViewBox): void {
    for (const status of [UNCHECKED, KEPT, REJECTED] as const) {
      const path = new Path2D();
      for (const cell of seen) {
        if (cells.status[cell] !== status) continue;
        const x = (cells.x[cell]! - view.left) * view.scale;
        const y = (cells.y[cell]! - view.top) * view.scale;
        const radius = (cells.diameter[cell]! / 2) * view.scale;
        if (status === REJECTED) cross(path, x, y, Math.max(3, radius * 0.45));
        else circle(path, x, y, radius);
      }
      stroke(this.pen, path, INKS[status], status === UNCHECKED ? 1.5 : 3);
    }
  }

  private selected(cells: Cells, view: ViewBox): void {
    for (const cell of this.selection.cells.slice(0, MOST_CIRCLES)) {
      if (cells.status[cell] === REMOVED) continue;
      const current = cell === this.selection.current;
      const at = { x: cells.x[cell]!, y: cells.y[cell]!, diameter: cells.diameter[cell]! };
      ring(this.pen, at, view, current ? CURRENT_INK : SELECTED_INK, current ? 6 : 5);
    }
  }
}
