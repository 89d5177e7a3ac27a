/** The position in the list, captions of crops, and their text for screen readers. */

import type { CellList } from "./cell_list";
import { KEPT, REJECTED, REMOVED, UNCHECKED, type Cells } from "./cells";
import type { Selection } from "./selection";

export const MARKS: Record<number, string> = {
  [UNCHECKED]: "unchecked",
  [KEPT]: "kept",
  [REJECTED]: "rejected",
  [REMOVED]: "removed",
};

export function scoreText(cells: Cells, cell: number): string {
  const score = cells.score[cell]!;
  return score === null ? "added" : score.toFixed(2);
}

export function checkSpoken(cells: Cells, cell: number): string {
  const status = MARKS[cells.status[cell]!]!;
  const score = cells.score[cell]!;
  return `Cell, ${status}, ${score === null ? "added by hand" : `score ${score.toFixed(2)}`}`;
}

export function labelSpoken(cells: Cells, cell: number): string {
  return `Cell, ${cells.label[cell] ?? "not labelled"}`;
}

export function predictedText(cells: Cells, cell: number): string {
  const type = cells.predicted[cell];
  if (!type) return "";
  const probability = cells.probability[cell];
  return typeof probability === "number" ? `${type} ${Math.round(100 * probability)} %` : type;
}

/** How many cells are shown, if not all of `total`. */
export function shownOf(shown: number, total: number): string {
  const all = total.toLocaleString("en");
  return shown < total ? `first ${shown.toLocaleString("en")} of ${all}` : all;
}

/** The position of the current cell in the list, and how many cells are selected. */
export function positionText(list: CellList, selection: Selection): string {
  const at = selection.current === null ? undefined : list.place.get(selection.current);
  const all = list.order.length.toLocaleString("en");
  const where = at === undefined ? `${all} ${list.order.length === 1 ? "cell" : "cells"}` : `cell ${(at + 1).toLocaleString("en")} of ${all}`;
  return `${where} · ${selection.size.toLocaleString("en")} selected`;
}
