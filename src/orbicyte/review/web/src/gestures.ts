/**
 * The mouse on the slide: select, add, change the size with the wheel; with Shift, drag to move or resize a cell.
 *
 * Without Shift a drag always pans, so that no cell is moved by mistake.
 */

import type OpenSeadragon from "openseadragon";

import { REMOVED, type Cells } from "./cells";
import type { Ghost } from "./overlay";
import type { Ruler } from "./ruler";
import type { Selection } from "./selection";
import type { SlideView } from "./slide_view";

const RIM_PX = 7;
const SLACK_PX = 3;
const SMALLEST_PX = 4;
const DOUBLE_MS = 600;

export interface Actions {
  cells: () => Cells | null;
  adding: () => boolean;
  ruler: Ruler;
  select: (cell: number | null, toggle: boolean) => void;
  add: (x: number, y: number) => void;
  move: (cell: number, x: number, y: number) => void;
  resize: (cell: number, diameter: number) => void;
  resizeBy: (steps: number) => void;
}

interface Drag {
  cell: number;
  rim: boolean;
  from: { x: number; y: number };
  ghost: Ghost;
}

type Place = { x: number; y: number };

export class Gestures {
  private drag: Drag | null = null;
  /** When a click last added a cell. */
  private added = -Infinity;

  constructor(
    private readonly slide: SlideView,
    private readonly selection: Selection,
    private readonly actions: Actions,
  ) {
    const { viewer } = slide;
    viewer.addHandler("canvas-press", (event) => this.press(event));
    viewer.addHandler("canvas-drag", (event) => {
      if (!this.drag && !this.actions.ruler.active) return;
      event.preventDefaultAction = true;
      this.pull(event.position);
    });
    viewer.addHandler("canvas-drag-end", (event) => {
      if (this.drag || this.actions.ruler.active) event.preventDefaultAction = true;
    });
    viewer.addHandler("canvas-release", () => this.release());
    viewer.addHandler("canvas-click", (event) => this.click(event));
    viewer.addHandler("canvas-double-click", (event) => {
      if (performance.now() - this.added < DOUBLE_MS) event.preventDefaultAction = true; // do not zoom
    });
    viewer.addHandler("canvas-scroll", (event) => this.wheel(event));
    viewer.canvas.addEventListener("pointermove", (event) => this.hover(event));
  }

  private press({ position, originalEvent }: OpenSeadragon.CanvasPressEvent): void {
    const place = this.slide.place(position);
    if (place && this.actions.ruler.active) {
      this.actions.ruler.press(place);
      return;
    }
    const moving = (originalEvent as MouseEvent).shiftKey && !this.actions.adding();
    this.drag = moving ? this.grip(position) : null;
  }

  /** The part of the current cell under the point: its rim, its inside, or nothing. */
  private grip(position: Place): Drag | null {
    const place = this.slide.place(position);
    const cells = this.actions.cells();
    const cell = this.selection.current;
    if (!place || !cells || cell === null || cells.status[cell] === REMOVED) return null;
    const ghost = { x: cells.x[cell]!, y: cells.y[cell]!, diameter: cells.diameter[cell]! };
    const scale = this.slide.view!.scale;
    const fromRim = Math.hypot(place.x - ghost.x, place.y - ghost.y) - ghost.diameter / 2;
    const rim_px = Math.min(RIM_PX, (ghost.diameter * scale) / 6);
    if (fromRim * scale > rim_px) return null;
    return { cell, rim: fromRim * scale > -rim_px, from: place, ghost };
  }

  private pull(position: Place): void {
    const place = this.slide.place(position);
    const { drag } = this;
    if (place && this.actions.ruler.active) this.actions.ruler.pull(place);
    if (!place || !drag) return;
    const { ghost, from } = drag;
    const cells = this.actions.cells()!;
    if (drag.rim) {
      const reach = Math.hypot(place.x - ghost.x, place.y - ghost.y) - Math.hypot(from.x - ghost.x, from.y - ghost.y);
      this.preview({ ...ghost, diameter: Math.max(SMALLEST_PX, cells.diameter[drag.cell]! + 2 * reach) });
    } else {
      this.preview({ ...ghost, x: ghost.x + place.x - from.x, y: ghost.y + place.y - from.y });
    }
  }

  private release(): void {
    const { drag } = this;
    const { ghost } = this.slide.overlay;
    this.drag = null;
    if (!drag || !ghost) return;
    this.preview(null);
    if (drag.rim) this.actions.resize(drag.cell, ghost.diameter);
    else this.actions.move(drag.cell, ghost.x, ghost.y);
  }

  private click(event: OpenSeadragon.CanvasClickEvent): void {
    const place = this.slide.place(event.position);
    const cells = this.actions.cells();
    if (!event.quick || !place || !cells || this.actions.ruler.active) return;
    this.slide.viewer.canvas.focus({ preventScroll: true });
    if (this.actions.adding()) {
      this.added = performance.now();
      this.actions.add(place.x, place.y);
      return;
    }
    const { ctrlKey, metaKey } = event.originalEvent as MouseEvent;
    this.actions.select(this.cellAt(place) ?? null, ctrlKey || metaKey);
  }

  private cellAt(place: Place): number | undefined {
    return this.actions.cells()?.at(place.x, place.y, SLACK_PX / this.slide.view!.scale);
  }

  private wheel(event: OpenSeadragon.CanvasScrollEvent): void {
    const { altKey } = event.originalEvent as WheelEvent;
    if (!altKey) return;
    event.preventDefaultAction = true;
    this.actions.resizeBy(event.scroll > 0 ? 1 : -1);
  }

  private hover(event: PointerEvent): void {
    if (event.buttons) return;
    const { canvas } = this.slide.viewer;
    const { left, top } = canvas.getBoundingClientRect();
    const position = { x: event.clientX - left, y: event.clientY - top };
    const { ghost } = this.slide.overlay;
    const place = this.slide.place(position);
    if (this.actions.adding() && ghost && place) this.preview({ ...ghost, ...place });
    const grip = event.shiftKey && !this.actions.adding() ? this.grip(position) : null;
    canvas.style.cursor = this.actions.adding() || this.actions.ruler.active ? "crosshair" : !grip ? "" : grip.rim ? "nwse-resize" : "move";
  }

  private preview(ghost: Ghost | null): void {
    this.slide.overlay.ghost = ghost;
    this.slide.redraw();
  }
}
