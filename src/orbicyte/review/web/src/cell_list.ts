/** Which cells a grid shows, and in which order. It stays as it is while cells change, so that nothing jumps. */

import { KEPT, REJECTED, REMOVED, UNCHECKED, type Cells } from "./cells";

export type CheckFilter = "unchecked" | "kept" | "rejected" | "all";
export type CheckOrder = "doubt" | "position" | "score";
export type NameFilter = "unnamed" | "named" | "all";
export type NameOrder = "type" | "doubt" | "position";

export class CellList {
  order: number[] = [];
  place = new Map<number, number>();

  set(order: number[]): void {
    this.order = order;
    this.place = new Map(order.map((cell, at) => [cell, at]));
  }

  /** Put a new cell behind the last. */
  append(cell: number): void {
    if (this.place.has(cell)) return;
    this.place.set(cell, this.order.push(cell) - 1);
  }
}

export function toCheck(cells: Cells, filter: CheckFilter, order: CheckOrder): number[] {
  const wanted = { unchecked: UNCHECKED, kept: KEPT, rejected: REJECTED, all: null }[filter];
  const chosen = rows(cells, (cell) => cells.status[cell] !== REMOVED && (wanted === null || cells.status[cell] === wanted));
  const by = { doubt: doubt(cells), position: position(cells), score: score(cells) }[order];
  return chosen.sort(by);
}

export function toName(cells: Cells, filter: NameFilter, order: NameOrder, types: readonly string[]): number[] {
  const chosen = rows(cells, (cell) => {
    if (cells.status[cell] === REJECTED || cells.status[cell] === REMOVED) return false;
    return filter === "all" || (cells.label[cell] === null) === (filter === "unnamed");
  });
  const rank = new Map(types.map((type, at) => [type, at]));
  const typeOf = (cell: number): number => rank.get(cells.predicted[cell] ?? "") ?? types.length;
  const byDoubt = typeDoubt(cells);
  const byType = (a: number, b: number): number => typeOf(a) - typeOf(b) || byDoubt(a, b);
  return chosen.sort({ type: byType, doubt: byDoubt, position: position(cells) }[order]);
}

type Comparison = (a: number, b: number) => number;

function rows(cells: Cells, wanted: (cell: number) => boolean): number[] {
  return Array.from({ length: cells.count }, (_, cell) => cell).filter(wanted);
}

/** The most doubtful first. */
function doubt(cells: Cells): Comparison {
  return (a, b) => cells.doubt[b]! - cells.doubt[a]! || a - b;
}

/** The least probable types first; without a classifier, as for checking. */
function typeDoubt(cells: Cells): Comparison {
  const of = (cell: number): number => (cells.probability[cell] === null ? cells.doubt[cell]! : 1 - cells.probability[cell]!);
  return (a, b) => of(b) - of(a) || a - b;
}

/** In bands from the top, each from the left. */
function position(cells: Cells): Comparison {
  const band = (cell: number): number => Math.floor(cells.y[cell]! / 512);
  return (a, b) => band(a) - band(b) || cells.x[a]! - cells.x[b]! || a - b;
}

/** The surest first; added ones, which have none, last. */
function score(cells: Cells): Comparison {
  return (a, b) => (cells.score[b] ?? -1) - (cells.score[a] ?? -1) || a - b;
}
