import type { Group } from "./keys";

/** On pages at least this wide, crops are larger. */
export const WIDE_PX = 2200;

/** One of the page's three views. */
export interface View {
  readonly element: HTMLElement;
  readonly title: string;
  groups: () => Group[];
  /** Called when the view is opened. */
  show: () => void;
}
