/** How many cells a reader decides per minute, without breaks. */

/** A longer time between two decisions is a break. */
const BREAK_MS = 30_000;
const WINDOW_MS = 600_000;
/** Steps with more cells, as those of whole pages of crops, are not part of the pace. */
const MOST_CELLS = 10;
const FEWEST = 5;

export class Pace {
  private steps: { at: number; cells: number }[] = [];

  add(cells: number, now_ms: number): void {
    if (cells <= MOST_CELLS) this.steps.push({ at: now_ms, cells });
    this.steps = this.steps.filter(({ at }) => now_ms - at < WINDOW_MS);
  }

  clear(): void {
    this.steps = [];
  }

  /** Cells per minute; null after too few decisions. */
  get perMinute(): number | null {
    let [cells, time] = [0, 0];
    this.steps.forEach((step, at) => {
      const gap = step.at - (this.steps[at - 1]?.at ?? -Infinity);
      if (gap > BREAK_MS) return;
      cells += step.cells;
      time += gap;
    });
    return cells >= FEWEST && time > 0 ? (60_000 * cells) / time : null;
  }

  /** In words, with the time that `left` cells take; empty after too few decisions. */
  text(left: number): string {
    const rate = this.perMinute;
    if (rate === null) return "";
    const minutes = Math.ceil(left / rate);
    const time = minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
    return `${Math.round(rate)} cells per minute${left ? `, about ${time} left on this slide` : ""}`;
  }
}
