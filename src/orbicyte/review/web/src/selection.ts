/** The selected cells of the open slide, and the current one, to which keys and the slide refer. */

import { Signal } from "./signal";

export class Selection {
  readonly changed = new Signal();
  current: number | null = null;
  private anchor: number | null = null;
  private selected = new Set<number>();

  get cells(): number[] {
    return [...this.selected];
  }

  get size(): number {
    return this.selected.size;
  }

  has(cell: number): boolean {
    return this.selected.has(cell);
  }

  only(cell: number): void {
    this.set([cell], cell);
    this.anchor = cell;
  }

  set(cells: Iterable<number>, current: number | null): void {
    this.selected = new Set(cells);
    this.current = current;
    this.anchor = current;
    this.changed.send();
  }

  clear(): void {
    this.set([], null);
  }

  toggle(cell: number): void {
    if (this.selected.has(cell)) this.selected.delete(cell);
    else this.selected.add(cell);
    this.current = this.selected.has(cell) ? cell : (this.cells.at(-1) ?? null);
    this.anchor = cell;
    this.changed.send();
  }

  /** Select everything in `order` between the start of the selection and `cell`. */
  extend(order: readonly number[], place: ReadonlyMap<number, number>, cell: number): void {
    const to = place.get(cell);
    if (to === undefined) return;
    const from = place.get(this.anchor ?? cell) ?? to;
    this.selected = new Set(order.slice(Math.min(from, to), Math.max(from, to) + 1));
    this.current = cell;
    this.changed.send();
  }
}
