/** A picture of the density of cells, shown where there are too many to draw each. */

import { REJECTED, REMOVED, type Cells } from "./cells";

const BINS = 384;
const INK: readonly [number, number, number] = [0, 112, 84];
const MOST_OPAQUE = 150;

export class Density {
  readonly picture: HTMLCanvasElement | OffscreenCanvas;
  private readonly bin_px: number;

  constructor(cells: Cells, width_px: number, height_px: number) {
    this.bin_px = Math.max(width_px, height_px) / BINS;
    const columns = Math.ceil(width_px / this.bin_px);
    const rows = Math.ceil(height_px / this.bin_px);
    const smooth = blurred(counted(cells, this.bin_px, columns, rows), columns, rows);
    this.picture = new OffscreenCanvas(columns, rows);
    this.picture.getContext("2d")!.putImageData(painted(smooth, columns, rows), 0, 0);
  }

  /** Width and height of the picture in level-0 pixels. */
  get span(): [number, number] {
    return [this.picture.width * this.bin_px, this.picture.height * this.bin_px];
  }
}

function counted(cells: Cells, bin_px: number, columns: number, rows: number): Float32Array {
  const counts = new Float32Array(columns * rows);
  for (let cell = 0; cell < cells.count; cell++) {
    if (cells.status[cell] === REJECTED || cells.status[cell] === REMOVED) continue;
    const column = Math.min(columns - 1, Math.max(0, Math.floor(cells.x[cell]! / bin_px)));
    const row = Math.min(rows - 1, Math.max(0, Math.floor(cells.y[cell]! / bin_px)));
    counts[row * columns + column]! += 1;
  }
  return counts;
}

/** [1 2 1] along both axes, twice. */
function blurred(values: Float32Array, columns: number, rows: number): Float32Array {
  let now = values;
  for (const [step, across] of [[1, true], [columns, false], [1, true], [columns, false]] as const) {
    const next = new Float32Array(now.length);
    for (let at = 0; at < now.length; at++) {
      const along = across ? at % columns : Math.floor(at / columns);
      const before = along > 0 ? now[at - step]! : now[at]!;
      const behind = along < (across ? columns : rows) - 1 ? now[at + step]! : now[at]!;
      next[at] = (before + 2 * now[at]! + behind) / 4;
    }
    now = next;
  }
  return now;
}

function painted(values: Float32Array, columns: number, rows: number): ImageData {
  const most = values.reduce((a, b) => Math.max(a, b), 0) || 1;
  const image = new ImageData(columns, rows);
  values.forEach((value, at) => {
    image.data.set(INK, 4 * at);
    image.data[4 * at + 3] = Math.round(MOST_OPAQUE * (value / most) ** 0.7);
  });
  return image;
}
