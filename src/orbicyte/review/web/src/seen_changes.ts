/** Where the changes of undo and redo are seen. */

import type { SavedEvent } from "./api";
import type { Cells } from "./cells";

/** The view in which the changes are seen; null if nothing has changed. */
export function viewOf(events: readonly SavedEvent[]): "check" | "label" | null {
  const fields = events.flatMap(({ after }) => Object.keys(after));
  if (!fields.length) return null;
  return fields.includes("label") ? "label" : "check";
}

/** Rows of the changed cells of the open slide, in the order in which they were first decided. */
export function rowsOf(events: readonly SavedEvent[], cells: Cells): number[] {
  const here = events.filter(({ slide }) => slide === cells.slide);
  const rows = here.flatMap(({ cell }) => cells.find(cell) ?? []);
  return [...new Set(here[0]?.kind === "undo" ? rows.reverse() : rows)];
}
