/** What the folds of `orbicyte run` need, as it fills up while cells are labelled. */

import { get } from "./api";
import { el } from "./dom";
import type { Review } from "./review";

const REFRESH_MS = 3000;
/** In lower windows, it is closed until it is clicked. */
const TALL_PX = 800;

export interface Needs {
  needed: { labelled_slides: number; unlabelled_slides: number; cells_of_a_type: number };
  labelled_slides: number;
  unlabelled_slides: number;
  /** This reader's labelled cells, by type. */
  cells: Record<string, number>;
}

export class NeedsPanel {
  readonly element = el("details", { class: "needs", hidden: "" });
  private readonly content = el("div");
  private timer = 0;

  constructor(private readonly review: Review) {
    this.element.append(el("summary", {}, "Needed for training"), this.content);
    this.element.open = window.innerHeight >= TALL_PX;
    review.opened.listen(() => this.later());
    review.decisions.state.listen(() => this.later());
  }

  show(shown: boolean): void {
    this.element.hidden = !shown;
    if (shown) void this.load();
  }

  /** Soon, once for many decisions. */
  private later(): void {
    if (this.element.hidden) return;
    this.timer ||= window.setTimeout(() => void this.load(), REFRESH_MS);
  }

  private async load(): Promise<void> {
    window.clearTimeout(this.timer);
    this.timer = 0;
    const path = `/api/needs?reader=${encodeURIComponent(this.review.reader)}`;
    const needs = await get<Needs>(path).catch(() => null);
    if (needs) this.content.replaceChildren(...rows(needs));
  }
}

function rows({ needed, labelled_slides, unlabelled_slides, cells }: Needs): HTMLElement[] {
  const least = needed.cells_of_a_type;
  const ready = Object.values(cells).filter((count) => count >= least).length;
  const without = unlabelled_slides
    ? [row("Slides without labels", ...of(unlabelled_slides, needed.unlabelled_slides))]
    : [row("Slides without labels", "none left", 1), el("p", {}, "With none left, networks are trained on the labelled slides, too.")];
  const types = Object.entries(cells).map(([type, count]) => row(type, ...of(count, least)));
  return [
    row("Slides with labels", ...of(labelled_slides, needed.labelled_slides)),
    ...without,
    el("p", {}, `Your labelled cells: ${ready} of ${types.length} types have at least ${least}`),
    el("div", { class: "types-needed" }, ...types),
    el("p", {}, `For ${needed.unlabelled_slides} folds of orbicyte run. Fewer are possible; types with too few cells are left out.`),
  ];
}

function of(number: number, needed: number): [string, number] {
  return [`${number.toLocaleString("en")} / ${needed}`, number / needed];
}

function row(name: string, value: string, share: number): HTMLElement {
  const bar = el("span", { class: "bar" });
  bar.style.width = `${Math.min(100, 100 * share)}%`;
  const marks = el("span", { class: share >= 1 ? "need met" : "need" });
  marks.append(el("span", { class: "name", title: name }, name), el("span", { class: "count" }, value), el("span", { class: "track" }, bar));
  return marks;
}
