/** Which cells a grid shows, and in which order. The order does not change while cells do, so that crops do not jump. */

import { KEPT, REJECTED, REMOVED, UNCHECKED, type Cells } from "./cells";
import { isWanted, type LabelFilter } from "./label_filter";

export type CheckFilter = "unchecked" | "kept" | "rejected" | "all";
export type CheckOrder = "uncertainty" | "position" | "score";
export type LabelOrder = "type" | "uncertainty" | "position";

export class CellList {
  order: number[] = [];
  place = new Map<number, number>();

  set(order: number[]): void {
    this.order = order;
    this.place = new Map(order.map((cell, at) => [cell, at]));
  }

  /** Put a new cell at position `at`. */
  insert(cell: number, at: number): void {
    if (!this.place.has(cell)) this.set([...this.order.slice(0, at), cell, ...this.order.slice(at)]);
  }
}

export function toCheck(cells: Cells, filter: CheckFilter, order: CheckOrder): number[] {
  const wanted = { unchecked: UNCHECKED, kept: KEPT, rejected: REJECTED, all: null }[filter];
  const selected = rows(cells, (cell) => cells.status[cell] !== REMOVED && (wanted === null || cells.status[cell] === wanted));
  const by = { uncertainty: uncertainty(cells), position: position(cells), score: score(cells) }[order];
  return selected.sort(by);
}

export function toLabel(cells: Cells, filter: LabelFilter, order: LabelOrder, types: readonly string[]): number[] {
  const selected = rows(cells, (cell) => isWanted(cells, cell, filter));
  const rank = new Map(types.map((type, at) => [type, at]));
  const typeOf = (cell: number): number => rank.get(cells.predicted[cell] ?? "") ?? types.length;
  const byUncertainty = typeUncertainty(cells);
  const byType = (a: number, b: number): number => typeOf(a) - typeOf(b) || byUncertainty(a, b);
  return selected.sort({ type: byType, uncertainty: byUncertainty, position: position(cells) }[order]);
}

type Comparison = (a: number, b: number) => number;

function rows(cells: Cells, wanted: (cell: number) => boolean): number[] {
  return Array.from({ length: cells.count }, (_, cell) => cell).filter(wanted);
}

/** The most uncertain first. */
function uncertainty(cells: Cells): Comparison {
  return (a, b) => cells.uncertainty[b]! - cells.uncertainty[a]! || a - b;
}

/** The least probable types first; without a classifier, as in Check. */
function typeUncertainty(cells: Cells): Comparison {
  const of = (cell: number): number => (cells.probability[cell] === null ? cells.uncertainty[cell]! : 1 - cells.probability[cell]!);
  return (a, b) => of(b) - of(a) || a - b;
}

/** In horizontal bands from the top, each from left to right. */
function position(cells: Cells): Comparison {
  const band = (cell: number): number => Math.floor(cells.y[cell]! / 512);
  return (a, b) => band(a) - band(b) || cells.x[a]! - cells.x[b]! || a - b;
}

/** The highest score first; added cells, which have none, last. */
function score(cells: Cells): Comparison {
  return (a, b) => (cells.score[b] ?? -1) - (cells.score[a] ?? -1) || a - b;
}
