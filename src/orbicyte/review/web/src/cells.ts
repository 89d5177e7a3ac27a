/** The cells of one slide, as columns. A cell is a row number, which never changes while the page is open. */

import type { CellColumns, Fields, StatusName } from "./api";
import { Buckets } from "./buckets";

export const UNCHECKED = 0;
export const KEPT = 1;
export const REJECTED = 2;
export const REMOVED = 3;
const STATUS_NAMES: readonly StatusName[] = ["unchecked", "kept", "rejected", "removed"];

export class Cells {
  readonly id: string[];
  readonly x: number[];
  readonly y: number[];
  readonly diameter: number[];
  readonly score: (number | null)[];
  readonly status: number[];
  readonly uncertainty: number[];
  readonly label: (string | null)[];
  readonly predicted: (string | null)[];
  readonly probability: (number | null)[];
  readonly outOfDistribution: boolean[];
  /** Changes when the server's crop of the cell does. */
  readonly cropVersion: string[];
  /** The last event that the server replayed into these columns. */
  readonly seq: number;
  readonly buckets: Buckets;
  private readonly row = new Map<string, number>();
  private largest_px: number;

  constructor(
    readonly slide: string,
    width_px: number,
    height_px: number,
    columns: CellColumns,
  ) {
    this.seq = columns.seq;
    this.id = columns.id;
    this.x = columns.x_px;
    this.y = columns.y_px;
    this.diameter = columns.diameter_px;
    this.score = columns.score;
    this.status = columns.status;
    this.uncertainty = columns.uncertainty;
    this.label = columns.label;
    this.predicted = columns.predicted;
    this.probability = columns.probability;
    this.outOfDistribution = columns.out_of_distribution;
    this.cropVersion = this.x.map((x, cell) => cropVersion(x, this.y[cell]!));
    this.id.forEach((id, cell) => this.row.set(id, cell));
    this.largest_px = this.diameter.reduce((most, size) => Math.max(most, size), 0);
    this.buckets = new Buckets(width_px, height_px, this.x, this.y);
  }

  get count(): number {
    return this.id.length;
  }

  find(id: string): number | undefined {
    return this.row.get(id);
  }

  /** The row of the cell `id`; if it is unknown, a new row with status removed. */
  findOrAdd(id: string): number {
    const known = this.row.get(id);
    if (known !== undefined) return known;
    const cell = this.id.push(id) - 1;
    this.row.set(id, cell);
    this.x.push(0);
    this.y.push(0);
    this.diameter.push(1);
    this.score.push(null);
    this.status.push(REMOVED);
    this.uncertainty.push(0);
    this.label.push(null);
    this.predicted.push(null);
    this.probability.push(null);
    this.outOfDistribution.push(false);
    this.cropVersion.push(""); // none until the cell is saved
    this.buckets.insert(cell, 0, 0);
    return cell;
  }

  fields(cell: number): Fields {
    return {
      status: STATUS_NAMES[this.status[cell]!]!,
      x_px: this.x[cell]!,
      y_px: this.y[cell]!,
      diameter_px: this.diameter[cell]!,
      label: this.label[cell]!,
    };
  }

  assign(cell: number, after: Fields): void {
    if (after.status !== undefined) this.status[cell] = STATUS_NAMES.indexOf(after.status);
    if (after.diameter_px !== undefined) {
      this.diameter[cell] = after.diameter_px;
      this.largest_px = Math.max(this.largest_px, after.diameter_px);
    }
    if (after.label !== undefined) this.label[cell] = after.label;
    if (after.x_px !== undefined && after.y_px !== undefined) {
      this.buckets.remove(cell, this.x[cell]!, this.y[cell]!);
      this.x[cell] = after.x_px;
      this.y[cell] = after.y_px;
      this.buckets.insert(cell, after.x_px, after.y_px);
    }
  }

  /** The server's crop is now centred on `x`, `y`. */
  cropMoved(cell: number, x: number, y: number): void {
    this.cropVersion[cell] = cropVersion(x, y);
  }

  /** The cell whose disc contains the point, of several the one with the nearest centre; undefined if none. */
  at(x: number, y: number, slack_px: number): number | undefined {
    let found: number | undefined;
    let nearest = Infinity;
    const reach = this.largest_px / 2 + slack_px;
    this.buckets.within(x - reach, y - reach, x + reach, y + reach, (cell) => {
      if (this.status[cell] === REMOVED) return;
      const distance = Math.hypot(this.x[cell]! - x, this.y[cell]! - y);
      if (distance <= this.diameter[cell]! / 2 + slack_px && distance < nearest) {
        found = cell;
        nearest = distance;
      }
    });
    return found;
  }
}

/** Whether a cell is to be labelled: neither rejected nor removed. */
export function isAccepted({ status }: Cells, cell: number): boolean {
  return status[cell] === UNCHECKED || status[cell] === KEPT;
}

/** Changes when the server's crop of a cell with this centre does. */
export function cropVersion(x: number, y: number): string {
  return `${x.toFixed(2)}_${y.toFixed(2)}`;
}
