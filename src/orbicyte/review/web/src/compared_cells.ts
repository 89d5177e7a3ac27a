/** Crops of the cells that two readers labelled differently, or in a given way. */

import { cropPath, get, type Pair } from "./api";
import { cropVersion } from "./cells";
import { shownOf } from "./crop_words";
import { button, el } from "./dom";

const CROP_PX = 128;
const UM = 24;

interface Compared {
  slide: string;
  cell: string;
  x_px: number;
  y_px: number;
  labels: [string, string];
}

export class ComparedCells {
  readonly element = el("div", { class: "compared" });

  constructor(
    private readonly pair: Pair,
    private readonly open: (slide: string, cell: string) => void,
  ) {}

  /** Show the cells with these two labels, by default all on which the readers disagree. */
  async show(labels: readonly [string, string] | null = null): Promise<void> {
    const [first, second] = this.pair.readers;
    const asked = new URLSearchParams({ first, second });
    if (labels) for (const [at, label] of labels.entries()) asked.set(`label_${at + 1}`, label);
    try {
      const { total, cells } = await get<{ total: number; cells: Compared[] }>(`/api/agreement/cells?${asked.toString()}`);
      const all = button("All disagreements", () => void this.show());
      const title = labels ? `${first}: ${labels[0]}, ${second}: ${labels[1]}` : "Disagreements";
      const head = el("header", {}, el("h4", {}, `${title} (${shownOf(cells.length, total)})`), ...(labels ? [all] : []));
      this.element.replaceChildren(head, el("div", { class: "compared-crops" }, ...cells.map((cell) => this.crop(cell))));
    } catch (error) {
      this.element.replaceChildren(el("p", { class: "none" }, (error as Error).message));
    }
  }

  private crop({ slide, cell, x_px, y_px, labels }: Compared): HTMLElement {
    const source = cropPath(slide, cell, Math.round(CROP_PX * window.devicePixelRatio), UM, cropVersion(x_px, y_px));
    const picture = el("img", { src: source, alt: "", loading: "lazy", width: String(CROP_PX), height: String(CROP_PX) });
    const words = this.pair.readers.map((reader, at) => el("span", { title: `${reader}: ${labels[at]!}` }, el("b", {}, reader), ` ${labels[at]!}`));
    const press = button("", () => this.open(slide, cell), { class: "compared-crop", title: `Show on ${slide}`, "data-cell": cell });
    press.append(picture, ...words);
    return press;
  }
}
