/** At the right of Label: the current cell, larger, and the list of types with the number of cells of each. */

import { cropPath, type LabelClass } from "./api";
import { isAccepted } from "./cells";
import { predictedText } from "./crop_words";
import { button, el, setText } from "./dom";
import type { Review } from "./review";
import { target_px } from "./target";
import type { TypeColours } from "./type_colours";

const LARGE_PX = 276;
const MOST_PX = 512;

export class TypePanel {
  readonly element = el("aside", { class: "types", "aria-label": "Types" });
  private readonly counts = new Map<string, HTMLElement>();
  private readonly large = el("img", { alt: "", width: String(LARGE_PX), height: String(LARGE_PX) });
  private readonly target = el("i", { class: "target" });
  private readonly details = el("p", { class: "details" });

  constructor(
    private readonly review: Review,
    private readonly colours: TypeColours,
    private readonly assign: (label: string | null) => void,
  ) {
    const { classes, extra } = review.study;
    const none = button("", () => assign(null), { class: "type" });
    none.append(el("kbd", {}, "⌫"), el("span", { class: "name" }, "Clear label"));
    this.element.append(
      el("div", { class: "large" }, this.large, this.target),
      this.details,
      el("div", { class: "type-list" }, ...classes.map((type) => this.row(type))),
      el("div", { class: "extra-list" }, ...extra.map((type) => this.row(type)), none),
    );
  }

  /** Show the current cell `um` wide; with its predicted type, if wanted. */
  show(um: number, predictions: boolean): void {
    const { selection, cells, slide } = this.review;
    const cell = selection.current;
    if (cell === null || !cells || !slide) {
      this.large.removeAttribute("src");
      this.target.style.removeProperty("--target");
      setText(this.details, "");
      return;
    }
    const version = cells.cropVersion[cell]!;
    const px = Math.min(MOST_PX, Math.round(LARGE_PX * devicePixelRatio));
    if (version) this.large.src = cropPath(cells.slide, cells.id[cell]!, px, um, version);
    this.target.style.setProperty("--target", `${(100 * target_px(cells.diameter[cell]! * slide.mpp, um, LARGE_PX)) / LARGE_PX}%`);
    const predicted = predictions ? predictedText(cells, cell) : "";
    setText(this.details, selection.size > 1 ? `${selection.size} selected` : (cells.label[cell] ?? (predicted ? `predicted: ${predicted}` : "no label yet")));
  }

  /** Count the labels of the open slide, and mark that of the current cell. */
  count(): void {
    const { cells, selection } = this.review;
    const sums = new Map<string, number>();
    for (let cell = 0; cell < (cells?.count ?? 0); cell++) {
      const label = isAccepted(cells!, cell) ? cells!.label[cell] : null;
      if (label) sums.set(label, (sums.get(label) ?? 0) + 1);
    }
    const label = selection.current === null ? null : cells?.label[selection.current];
    for (const [name, element] of this.counts) {
      setText(element, String(sums.get(name) ?? 0));
      element.parentElement!.setAttribute("aria-pressed", String(name === label));
    }
  }

  private row({ name, key }: LabelClass): HTMLElement {
    const count = el("span", { class: "count" }, "0");
    const press = button("", () => this.assign(name), { class: "type", "aria-pressed": "false" });
    if (this.review.study.classes.some((type) => type.name === name)) press.style.setProperty("--type", this.colours.of(name));
    press.append(el("kbd", {}, key ?? ""), el("span", { class: "name", title: name }, name), count);
    this.counts.set(name, count);
    return press;
  }
}
