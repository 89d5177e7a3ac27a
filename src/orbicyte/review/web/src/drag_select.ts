/** Selecting crops with the mouse: click, Shift-click, Ctrl-click, and a rectangle dragged over them. */

import type { CellList } from "./cell_list";
import { el } from "./dom";
import type { Selection } from "./selection";
import type { Tiling } from "./tiling";

const STILL_PX = 5;

export class DragSelect {
  private readonly band = el("div", { class: "band", hidden: "" });
  private from: [number, number] | null = null;
  private before: number[] = [];

  constructor(
    private readonly grid: HTMLElement,
    private readonly space: HTMLElement,
    private readonly tiling: Tiling,
    private readonly list: CellList,
    private readonly selection: Selection,
    open: (cell: number) => void,
  ) {
    space.append(this.band);
    space.addEventListener("pointerdown", (event) => this.press(event));
    space.addEventListener("pointermove", (event) => this.drag(event));
    space.addEventListener("pointerup", (event) => this.release(event));
    space.addEventListener("pointercancel", () => this.end());
    space.addEventListener("dblclick", (event) => {
      const cell = this.cellAt(...this.point(event));
      if (cell !== undefined) open(cell);
    });
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.grid.focus({ preventScroll: true });
    this.from = this.point(event);
    this.before = event.ctrlKey || event.metaKey ? this.selection.cells : [];
    this.space.setPointerCapture(event.pointerId);
  }

  private drag(event: PointerEvent): void {
    if (!this.from) return;
    const [x0, y0] = this.from;
    const [x1, y1] = this.point(event);
    if (this.band.hidden && Math.hypot(x1 - x0, y1 - y0) < STILL_PX) return;
    const [left, top, right, bottom] = [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
    this.band.hidden = false;
    this.band.style.transform = `translate(${left}px, ${top}px)`;
    this.band.style.width = `${right - left}px`;
    this.band.style.height = `${bottom - top}px`;
    const touched = this.tiling.touched(left, top, right, bottom).map((at) => this.list.order[at]!);
    this.selection.set([...this.before, ...touched], touched.at(-1) ?? this.before.at(-1) ?? null);
  }

  private release(event: PointerEvent): void {
    const clicked = this.from && this.band.hidden ? this.cellAt(...this.point(event)) : undefined;
    this.end();
    if (clicked === undefined) return;
    if (event.shiftKey) this.selection.extend(this.list.order, this.list.place, clicked);
    else if (event.ctrlKey || event.metaKey) this.selection.toggle(clicked);
    else this.selection.only(clicked);
  }

  private end(): void {
    this.from = null;
    this.band.hidden = true;
  }

  private point(event: MouseEvent): [number, number] {
    const { left, top } = this.space.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  private cellAt(x: number, y: number): number | undefined {
    const at = this.tiling.at(x, y);
    return at === undefined ? undefined : this.list.order[at];
  }
}
