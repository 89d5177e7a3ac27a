import type { Group } from "./keys";

/** On pages at least this wide, crops are larger. */
export const WIDE_PX = 2200;

/** The hint of a key that acts on selected cells, if there are none. */
export const NOTHING_SELECTED = "No cell is selected: click one, or press N for the next.";

/** One of the page's three views. */
export interface View {
  readonly element: HTMLElement;
  readonly title: string;
  groups: () => Group[];
  /** Called when the view is opened. */
  show: () => void;
}
