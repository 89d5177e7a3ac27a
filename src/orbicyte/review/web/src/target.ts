/** The corners that mark the cell in question among its neighbours. */

const AROUND = 1.2;
const LEAST_UM = 6;

/** Their distance in CSS pixels, in a picture of `um` that is `px` wide, for a cell of `diameter_um`. */
export function target_px(diameter_um: number, um: number, px: number): number {
  return Math.min(px - 4, (Math.max(LEAST_UM, diameter_um) * AROUND * px) / um);
}
