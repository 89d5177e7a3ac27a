/** The marks on the slide, in bright colours with a dark casing, so that they are visible on pale and on dark stains. */

import { KEPT, REJECTED, UNCHECKED } from "./cells";
import type { Line } from "./ruler";
import { lengthText } from "./scale_bar";
import type { ViewBox } from "./view_box";

/** The casing. */
export const DARK = "#10131ad0";
const WHITE = "#ffffff";

/** They differ in shape as well: thin circle, thick circle, cross. */
export const INKS = { [UNCHECKED]: "#ffffff", [KEPT]: "#18c37d", [REJECTED]: "#ff7a2e" } as const;
/** Of rings around selected cells: the others, and the current one. */
export const SELECTED_INK = "#4d94ff";
export const CURRENT_INK = "#ff2fae";
export const OUTLINE_INK = "#ffe14a";

export interface Ring {
  x: number;
  y: number;
  diameter: number;
}

type Pen = CanvasRenderingContext2D;

/** Stroke `path` over a wider casing. */
export function stroke(pen: Pen, path: Path2D, ink: string, width: number): void {
  for (const [style, wide] of [[DARK, width + 2], [ink, width]] as const) {
    pen.strokeStyle = style;
    pen.lineWidth = wide;
    pen.stroke(path);
  }
}

/** A ring around a cell in level-0 pixels, `outside` CSS pixels from it. */
export function ring(pen: Pen, at: Ring, view: ViewBox, ink: string, outside: number, dash: number[] = []): void {
  const path = new Path2D();
  circle(path, (at.x - view.left) * view.scale, (at.y - view.top) * view.scale, (at.diameter / 2) * view.scale + outside);
  pen.setLineDash(dash);
  stroke(pen, path, ink, 3);
  pen.setLineDash([]);
}

export function outline(pen: Pen, points: readonly number[], view: ViewBox): void {
  const path = new Path2D();
  for (let at = 0; at + 1 < points.length; at += 2)
    path.lineTo((points[at]! - view.left) * view.scale, (points[at + 1]! - view.top) * view.scale);
  path.closePath();
  stroke(pen, path, OUTLINE_INK, 1.5);
}

/** A measured line with its length, which is also returned. */
export function ruler(pen: Pen, { from, to }: Line, view: ViewBox, mpp: number): string {
  const [x0, y0] = [(from.x - view.left) * view.scale, (from.y - view.top) * view.scale];
  const [x1, y1] = [(to.x - view.left) * view.scale, (to.y - view.top) * view.scale];
  const path = new Path2D();
  path.moveTo(x0, y0);
  path.lineTo(x1, y1);
  stroke(pen, path, OUTLINE_INK, 2);
  const text = lengthText(Math.hypot(to.x - from.x, to.y - from.y) * mpp, 1);
  pen.font = "600 14px system-ui, sans-serif";
  pen.lineWidth = 4;
  pen.strokeStyle = DARK;
  pen.strokeText(text, x1 + 10, y1 - 8);
  pen.fillStyle = WHITE;
  pen.fillText(text, x1 + 10, y1 - 8);
  return text;
}

export function circle(path: Path2D, x: number, y: number, radius: number): void {
  path.moveTo(x + radius, y);
  path.arc(x, y, radius, 0, 2 * Math.PI);
}

export function cross(path: Path2D, x: number, y: number, half: number): void {
  path.moveTo(x - half, y - half);
  path.lineTo(x + half, y + half);
  path.moveTo(x + half, y - half);
  path.lineTo(x - half, y + half);
}
