/** The bar of Label: which cells are shown, in which order, and how large. */

import { SIZES } from "./check_bars";
import type { LabelOrder } from "./cell_list";
import { button, choice, el } from "./dom";
import type { LabelView } from "./label_view";
import type { Review } from "./review";

type Options = readonly (readonly [string, string])[];

export class LabelBar {
  readonly element = el("div", { class: "choices" });
  private readonly size: HTMLSelectElement;
  private readonly show: HTMLSelectElement;

  constructor(
    private readonly view: LabelView,
    private readonly review: Review,
    about: HTMLElement,
  ) {
    const { predicted, classes } = review.study;
    const orders = [...(predicted ? [["type", "By predicted type"] as const] : []), ["uncertainty", "Most uncertain first"], ["position", "By position"]] as const;
    const show = choice<string>("Show", [["all", "All cells"]], "all", (value) => void view.filterBy({ show: value }));
    const types: Options = [["any", "Any prediction"], ["out_of_distribution", "Out of distribution"], ...classes.map(({ name }) => [`as:${name}`, `Predicted ${name}`] as const)];
    const byType = choice<string>("Predicted type", types, "any", (value) => void view.filterBy({ predicted: value }));
    const order = choice<LabelOrder>("Order", orders, view.order, (value) => view.orderBy(value));
    const size = choice<string>("Crop size", SIZES, String(view.um), (value) => view.resize(Number(value)));
    this.show = show.querySelector("select")!;
    this.size = size.querySelector("select")!;
    this.element.append(show, ...(predicted ? [byType] : []), order, size);
    if (predicted) this.element.append(this.predictionsSwitch());
    this.element.append(button("Refresh", () => void view.sort(), { title: "Filter and sort again (R)" }), about);
    this.update();
  }

  /** Show the crop size, and the readers whose cells can be asked for. */
  update(): void {
    const { study, reader } = this.review;
    const readers = [...new Set(study.slides.flatMap((slide) => Object.keys(slide.labelled)))].filter((name) => name !== reader).sort();
    const fixed: Options = [["all", "All cells"], ["unlabelled", "Unlabelled"], ["labelled", "Labelled"]];
    const others: Options = readers.map((name) => [`by:${name}`, `Labelled by ${name}`]);
    const types: Options = [...study.classes, ...study.extra].map(({ name }) => [`as:${name}`, `Labelled ${name}`]);
    const values = [...fixed, ...others, ...types];
    this.show.replaceChildren(...values.map(([value, text]) => el("option", { value }, text)));
    const gone = !values.some(([value]) => value === this.view.filter.show); // the other reader is now this one
    if (gone) this.view.filter = { ...this.view.filter, show: "all" };
    this.show.value = this.view.filter.show;
    this.size.value = String(this.view.um);
  }

  private predictionsSwitch(): HTMLElement {
    const box = el("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      this.view.showPredictions(box.checked);
      box.blur();
    });
    return el("label", { class: "choice", title: "Show predicted types below the crops; Enter accepts them" }, box, el("span", { class: "shown" }, "Predictions"));
  }
}
