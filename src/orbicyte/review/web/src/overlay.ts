/** The cells over the slide: their density if zoomed out, circles if zoomed in, the selected ones always. */

import type { ViewBox } from "./view_box";
import { KEPT, REJECTED, REMOVED, UNCHECKED, type Cells } from "./cells";
import { Density } from "./density";
import type { Selection } from "./selection";

/** If more are in view, their density is shown. */
const MOST_CIRCLES = 2500;
const SMALLEST_CIRCLE_PX = 5;

/** They differ in shape as well: thin circle, thick circle, cross. */
const INKS = { [UNCHECKED]: "#16181d", [KEPT]: "#0050c8", [REJECTED]: "#b83200" } as const;

/** The dashed circle of a cell that is being added or dragged, in level-0 pixels. */
export interface Ghost {
  x: number;
  y: number;
  diameter: number;
}

export class Overlay {
  readonly canvas = document.createElement("canvas");
  ghost: Ghost | null = null;
  outline: number[] | null = null;
  private readonly pen: CanvasRenderingContext2D;
  private density: Density | null = null;
  private cells: Cells | null = null;
  private size: [number, number] = [1, 1];

  constructor(private readonly selection: Selection) {
    this.canvas.className = "overlay";
    this.canvas.setAttribute("aria-hidden", "true");
    this.pen = this.canvas.getContext("2d")!;
  }

  open(cells: Cells | null, width_px: number, height_px: number): void {
    this.cells = cells;
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
    if (this.outline) this.polygon(this.outline, view);
    if (this.ghost) this.ring(this.ghost, view, "#e8a200", 2, [5, 4]);
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
      this.pen.strokeStyle = INKS[status];
      this.pen.lineWidth = status === UNCHECKED ? 1.5 : 3;
      this.pen.stroke(path);
    }
  }

  private selected(cells: Cells, view: ViewBox): void {
    for (const cell of this.selection.cells.slice(0, MOST_CIRCLES)) {
      if (cells.status[cell] === REMOVED) continue;
      const at = { x: cells.x[cell]!, y: cells.y[cell]!, diameter: Math.max(cells.diameter[cell]!, 6 / view.scale) };
      const current = cell === this.selection.current;
      this.ring(at, view, "#ffffff", current ? 7 : 5);
      this.ring(at, view, current ? "#c4007a" : INKS[cells.status[cell] as 0 | 1 | 2], current ? 3.5 : 2.5);
    }
  }

  private ring(at: Ghost, view: ViewBox, ink: string, width: number, dash: number[] = []): void {
    const path = new Path2D();
    circle(path, (at.x - view.left) * view.scale, (at.y - view.top) * view.scale, (at.diameter / 2) * view.scale);
    this.pen.setLineDash(dash);
    this.pen.strokeStyle = ink;
    this.pen.lineWidth = width;
    this.pen.stroke(path);
    this.pen.setLineDash([]);
  }

  private polygon(points: number[], view: ViewBox): void {
    this.pen.beginPath();
    for (let at = 0; at + 1 < points.length; at += 2)
      this.pen.lineTo((points[at]! - view.left) * view.scale, (points[at + 1]! - view.top) * view.scale);
    this.pen.closePath();
    this.pen.strokeStyle = "#c4007a";
    this.pen.lineWidth = 1.5;
    this.pen.stroke();
  }
}

function circle(path: Path2D, x: number, y: number, radius: number): void {
  path.moveTo(x + radius, y);
  path.arc(x, y, radius, 0, 2 * Math.PI);
}

function cross(path: Path2D, x: number, y: number, half: number): void {
  path.moveTo(x - half, y - half);
  path.lineTo(x + half, y + half);
  path.moveTo(x + half, y - half);
  path.lineTo(x - half, y + half);
}
