/** The chosen cells of the open slide, and the one among them that keys and the slide are about. */

import { Signal } from "./signal";

export class Selection {
  readonly changed = new Signal();
  current: number | null = null;
  private anchor: number | null = null;
  private chosen = new Set<number>();

  get cells(): number[] {
    return [...this.chosen];
  }

  get size(): number {
    return this.chosen.size;
  }

  has(cell: number): boolean {
    return this.chosen.has(cell);
  }

  only(cell: number): void {
    this.set([cell], cell);
    this.anchor = cell;
  }

  set(cells: Iterable<number>, current: number | null): void {
    this.chosen = new Set(cells);
    this.current = current;
    this.anchor = current;
    this.changed.send();
  }

  clear(): void {
    this.set([], null);
  }

  toggle(cell: number): void {
    if (this.chosen.has(cell)) this.chosen.delete(cell);
    else this.chosen.add(cell);
    this.current = this.chosen.has(cell) ? cell : (this.cells.at(-1) ?? null);
    this.anchor = cell;
    this.changed.send();
  }

  /** Choose everything in `order` between where the choosing began and `cell`. */
  extend(order: readonly number[], place: ReadonlyMap<number, number>, cell: number): void {
    const to = place.get(cell);
    if (to === undefined) return;
    const from = place.get(this.anchor ?? cell) ?? to;
    this.chosen = new Set(order.slice(Math.min(from, to), Math.max(from, to) + 1));
    this.current = cell;
    this.changed.send();
  }
}
