/** How much of a slide is checked and labelled. */

import { isAccepted, REMOVED, UNCHECKED, type Cells } from "./cells";

/** Numbers of cells. `labelled`: those of `kept`, which are all that are not rejected, with this reader's label. */
export interface Progress {
  total: number;
  checked: number;
  kept: number;
  labelled: number;
}

export function progressOf(cells: Cells): Progress {
  const progress = { total: 0, checked: 0, kept: 0, labelled: 0 };
  for (let cell = 0; cell < cells.count; cell++) {
    const status = cells.status[cell];
    if (status === REMOVED) continue;
    progress.total++;
    if (status !== UNCHECKED) progress.checked++;
    if (!isAccepted(cells, cell)) continue;
    progress.kept++;
    if (cells.label[cell] !== null) progress.labelled++;
  }
  return progress;
}
