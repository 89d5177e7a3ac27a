/** The scale bar and the magnification of the slide view. */

import { el, setText } from "./dom";

const MOST_PX = 130;
/** An objective of 40× has about 0.25 µm per pixel. */
const UM_AT_1X = 10;

export class ScaleBar {
  readonly element = el("div", { class: "scale-bar", "aria-hidden": "true" });
  private readonly bar = el("i");
  private readonly text = el("span");

  constructor() {
    this.element.append(this.bar, this.text);
  }

  /** `um_per_px`: µm per CSS pixel. */
  draw(um_per_px: number): void {
    const length = niceLength(um_per_px * MOST_PX);
    this.bar.style.width = `${length / um_per_px}px`;
    setText(this.text, `${lengthText(length)} · ${magnification(um_per_px)}`);
  }
}

/** The largest of 1, 2, 5, 10, 20, 50, ... µm that is not longer than `most`. */
export function niceLength(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return ([5, 2, 1].find((digit) => digit * power <= most) ?? 1) * power;
}

export function lengthText(um: number, digits = 0): string {
  return um >= 1000 ? `${Number((um / 1000).toFixed(digits))} mm` : `${Number(um.toFixed(um < 1 ? 2 : digits))} µm`;
}

/** As the objective of a microscope whose camera has the same µm per pixel. */
export function magnification(um_per_px: number): string {
  const times = UM_AT_1X / um_per_px;
  return `${times >= 10 ? Math.round(times) : times.toPrecision(2)}×`;
}
