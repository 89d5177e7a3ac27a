/** Positions of the crops in a grid, in CSS pixels from its upper left corner. */

const GAP = 6;
const EDGE = 8;

export class Tiling {
  columns = 1;
  count = 0;
  readonly pitchX: number;
  readonly pitchY: number;
  private inset = EDGE;

  constructor(
    private readonly width: number,
    private readonly tall: number,
  ) {
    this.pitchX = width + GAP;
    this.pitchY = tall + GAP;
  }

  /** Fill `available` pixels of width; the rest is a margin on both sides. */
  fit(available: number): void {
    const inside = available - 2 * EDGE + GAP;
    this.columns = Math.max(1, Math.floor(inside / this.pitchX));
    this.inset = EDGE + Math.max(0, Math.floor((inside - this.columns * this.pitchX) / 2));
  }

  get height(): number {
    return Math.ceil(this.count / this.columns) * this.pitchY + 2 * EDGE - GAP;
  }

  left(at: number): number {
    return this.inset + (at % this.columns) * this.pitchX;
  }

  top(at: number): number {
    return EDGE + Math.floor(at / this.columns) * this.pitchY;
  }

  /** The first crop in view and the one after the last, with `spareRows` added above and below. */
  range(scrolled: number, height: number, spareRows: number): [number, number] {
    const first = Math.max(0, Math.floor((scrolled - EDGE) / this.pitchY) - spareRows);
    const last = Math.ceil((scrolled + height) / this.pitchY) + spareRows;
    return [Math.min(this.count, first * this.columns), Math.min(this.count, last * this.columns)];
  }

  /** The crop at a point; undefined between crops. */
  at(x: number, y: number): number | undefined {
    const [found] = this.touched(x, y, x, y);
    return found;
  }

  /** The crops that a rectangle touches. */
  touched(left: number, top: number, right: number, bottom: number): number[] {
    const found: number[] = [];
    const rows = Math.ceil(this.count / this.columns);
    const r0 = Math.max(0, Math.floor((top - EDGE) / this.pitchY));
    const r1 = Math.min(rows - 1, Math.floor((bottom - EDGE) / this.pitchY));
    for (let row = r0; row <= r1; row++)
      for (let column = 0; column < this.columns; column++) {
        const at = row * this.columns + column;
        const [x, y] = [this.left(at), this.top(at)];
        if (at < this.count && x <= right && x + this.width >= left && y <= bottom && y + this.tall >= top) found.push(at);
      }
    return found;
  }
}
