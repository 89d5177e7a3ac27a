import type { Group } from "./keys";

/** Pages at least so wide have larger crops. */
export const WIDE_PX = 2200;

/** One of the page's three views. */
export interface View {
  readonly element: HTMLElement;
  readonly title: string;
  groups: () => Group[];
  /** It is in front now. */
  show: () => void;
}
