/** The mode in which the arrow keys move the current cell, and no other: it ends when the selection changes. */

import type { Selection } from "./selection";

export class Moving {
  private cell: number | null = null;

  constructor(
    private readonly selection: Selection,
    /** Called when the mode has started or ended. */
    private readonly changed: () => void,
  ) {
    selection.changed.listen(() => {
      if (selection.current !== this.cell || selection.size !== 1) this.stop();
    });
  }

  get active(): boolean {
    return this.cell !== null;
  }

  /** Select only the current cell, to move it; false if there is none. */
  start(): boolean {
    const { current } = this.selection;
    if (current === null) return false;
    this.selection.only(current);
    this.cell = current;
    this.changed();
    return true;
  }

  stop(): void {
    if (!this.active) return;
    this.cell = null;
    this.changed();
  }
}
