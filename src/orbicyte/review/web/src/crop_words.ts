/** Captions of crops, and their text for screen readers. */

import { KEPT, REJECTED, REMOVED, UNCHECKED, type Cells } from "./cells";

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
