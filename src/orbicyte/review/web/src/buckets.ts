/** Points in square buckets, to find those in view without a search through all points. */

const MOST_BUCKETS = 65536;
const SMALLEST_PX = 256;

export class Buckets {
  private readonly side: number;
  private readonly columns: number;
  private readonly rows: number;
  private readonly content: number[][];

  constructor(width_px: number, height_px: number, x: readonly number[], y: readonly number[]) {
    this.side = Math.max(SMALLEST_PX, Math.sqrt((width_px * height_px) / MOST_BUCKETS));
    this.columns = Math.ceil(width_px / this.side) + 1;
    this.rows = Math.ceil(height_px / this.side) + 1;
    this.content = Array.from({ length: this.columns * this.rows }, () => []);
    x.forEach((left, point) => this.insert(point, left, y[point]!));
  }

  insert(point: number, x: number, y: number): void {
    this.content[this.bucket(x, y)]!.push(point);
  }

  remove(point: number, x: number, y: number): void {
    const bucket = this.content[this.bucket(x, y)]!;
    const at = bucket.indexOf(point);
    if (at >= 0) bucket.splice(at, 1);
  }

  /** Call `visit` with every point of the buckets that the rectangle touches. */
  within(left: number, top: number, right: number, bottom: number, visit: (point: number) => void): void {
    const [c0, c1] = [this.column(left), this.column(right)];
    const [r0, r1] = [this.rowOf(top), this.rowOf(bottom)];
    for (let row = r0; row <= r1; row++)
      for (let column = c0; column <= c1; column++)
        for (const point of this.content[row * this.columns + column]!) visit(point);
  }

  private bucket(x: number, y: number): number {
    return this.rowOf(y) * this.columns + this.column(x);
  }

  private column(x: number): number {
    return Math.min(this.columns - 1, Math.max(0, Math.floor(x / this.side)));
  }

  private rowOf(y: number): number {
    return Math.min(this.rows - 1, Math.max(0, Math.floor(y / this.side)));
  }
}
