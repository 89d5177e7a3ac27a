/** The bars of the Check view: what to do with the selected cells, which crops are shown, and what the marks mean. */

import type { CheckFilter, CheckOrder } from "./cell_list";
import type { CheckView } from "./check_view";
import { button, choice, el } from "./dom";

export const SIZES = [["16", "16 µm"], ["24", "24 µm"], ["36", "36 µm"], ["60", "60 µm"]] as const;

/** The toolbar, and the buttons that show whether a cell is being added or moved, or a distance measured. */
export function toolsBar(view: CheckView): { bar: HTMLElement; add: HTMLElement; move: HTMLElement; measure: HTMLElement } {
  const tool = (sign: string, label: string, key: string, run: () => void): HTMLButtonElement =>
    button(sign, run, { title: `${label} (${key})`, "aria-label": label });
  const add = button("Add", () => view.add(), { title: "Add a cell (A)", "aria-pressed": "false" });
  const move = button("Move", () => view.move(), { title: "Move the cell with the arrow keys (S)", "aria-pressed": "false" });
  const measure = button("Measure", () => view.measure(), { title: "Measure a distance (M)", "aria-pressed": "false" });
  const bar = el(
    "div",
    { class: "tools", role: "toolbar", "aria-label": "Selected cells" },
    button("Keep", () => view.mark("kept"), { class: "keep", title: "Keep (K or Enter)" }),
    button("Reject", () => view.mark("rejected"), { class: "reject", title: "Reject (X)" }),
    tool("Reset", "Reset to unchecked", "Backspace", () => view.mark("unchecked")),
    add,
    move,
    tool("⌀ −", "Smaller", ",", () => view.adjustment.resizeBy(-1)),
    tool("⌀ +", "Larger", ".", () => view.adjustment.resizeBy(1)),
    el("span", { class: "gap" }),
    tool("Outline", "Show the detected outline", "D", () => view.toggleOutline()),
    measure,
    tool("Zoom", "Zoom to the cell", "Z", () => view.zoomToCurrent()),
    tool("Whole", "Whole slide", "0", () => view.slide.whole()),
  );
  return { bar, add, move, measure };
}

export function choicesBar(view: CheckView, about: HTMLElement): HTMLElement {
  const filters = [["unchecked", "Unchecked"], ["kept", "Kept"], ["rejected", "Rejected"], ["all", "All cells"]] as const;
  const orders = [["uncertainty", "Most uncertain first"], ["position", "By position"], ["score", "Highest score first"]] as const;
  const thenSort = <T>(set: (value: T) => void) => (value: T): void => {
    set(value);
    view.sort();
  };
  return el(
    "div",
    { class: "choices" },
    choice<CheckFilter>("Show", filters, view.filter, thenSort((value) => (view.filter = value))),
    choice<CheckOrder>("Order", orders, view.order, thenSort((value) => (view.order = value))),
    choice<string>("Crop size", SIZES, String(view.um), thenSort((value) => (view.um = Number(value)))),
    button("Refresh", () => view.sort(), { title: "Filter and sort again (R)" }),
    about,
  );
}

export function legend(): HTMLElement {
  const entry = (mark: string): HTMLElement => el("span", { class: `key ${mark}` }, el("i"), mark);
  return el("p", { class: "legend" }, entry("unchecked"), entry("kept"), entry("rejected"), entry("selected"), entry("current"), el("span", { class: "density" }, "Zoomed out: density of cells"));
}
