/** Which cells Label shows. */

import { isAccepted, type Cells } from "./cells";

/** `show` and `predicted` are values of the lists above the crops. */
export interface LabelFilter {
  /** all, unlabelled, labelled, `as:TYPE` (this reader's label), or `by:READER`. */
  show: string;
  /** any, out_of_distribution, or `as:TYPE`. */
  predicted: string;
  /** Ids of the cells that READER labelled. */
  by: ReadonlySet<string>;
}

export function isWanted(cells: Cells, cell: number, { show, predicted, by }: LabelFilter): boolean {
  return isAccepted(cells, cell) && isShown(cells, cell, show, by) && isPredicted(cells, cell, predicted);
}

function isShown(cells: Cells, cell: number, show: string, by: ReadonlySet<string>): boolean {
  const label = cells.label[cell]!;
  if (show === "unlabelled") return label === null;
  if (show === "labelled") return label !== null;
  if (show.startsWith("as:")) return label === show.slice(3);
  return show === "all" || by.has(cells.id[cell]!);
}

function isPredicted(cells: Cells, cell: number, predicted: string): boolean {
  if (predicted === "any") return true;
  if (predicted === "out_of_distribution") return cells.outOfDistribution[cell]!;
  return cells.predicted[cell] === predicted.slice(3);
}
