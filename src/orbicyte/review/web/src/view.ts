import type { Group } from "./keys";

/** One of the page's three views. */
export interface View {
  readonly element: HTMLElement;
  readonly title: string;
  groups: () => Group[];
  /** It is in front now. */
  show: () => void;
}
