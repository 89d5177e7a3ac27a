/** Agreement: how often readers who are blinded to each other give the same labels. */

import { get, type Pair } from "./api";
import { button, el } from "./dom";
import type { Group } from "./keys";
import type { View } from "./view";

export class AgreementView implements View {
  readonly title = "Agreement";
  readonly element = el("main", { class: "agreement" });
  private readonly content = el("div", { class: "pairs" });

  constructor() {
    const refresh = button("Refresh", () => this.show(), {});
    this.element.append(el("header", {}, el("h2", {}, "Agreement between readers"), refresh), this.content);
  }

  show(): void {
    void this.load();
  }

  groups(): Group[] {
    return [{ title: "Agreement", commands: [{ keys: ["R"], help: "Refresh", run: () => this.show() }] }];
  }

  private async load(): Promise<void> {
    try {
      const { pairs } = await get<{ pairs: Pair[] }>("/api/agreement");
      const none = "No two readers have labelled the same cells yet. Readers do not see each other's labels; cells that both labelled are compared here.";
      this.content.replaceChildren(...(pairs.length ? pairs.map(pairSection) : [el("p", { class: "none" }, none)]));
    } catch (error) {
      this.content.replaceChildren(el("p", { class: "none" }, (error as Error).message));
    }
  }
}

function figure(value: number | null): string {
  return value === null ? "–" : value.toFixed(2);
}

function pairSection(pair: Pair): HTMLElement {
  const [first, second] = pair.readers;
  const numbers = el(
    "dl",
    { class: "figures" },
    ...[
      ["Cohen's κ", figure(pair.kappa)],
      ["same label", pair.agreement === null ? "–" : `${(100 * pair.agreement).toFixed(1)} %`],
      ["cells labelled by both", pair.cells.toLocaleString("en")],
    ].map(([name, value]) => el("div", {}, el("dt", {}, name!), el("dd", {}, value!))),
  );
  return el(
    "section",
    { class: "pair" },
    el("h3", {}, `${first} and ${second}`),
    numbers,
    pair.note ? el("p", { class: "none" }, pair.note) : el("div", { class: "tables" }, byType(pair), confusion(pair)),
  );
}

function byType(pair: Pair): HTMLElement {
  const rows = pair.by_type.map(({ type, kappa, cells }) =>
    el("tr", {}, el("th", { scope: "row" }, type), el("td", {}, figure(kappa)), el("td", {}, String(cells))),
  );
  return el(
    "table",
    { class: "by-type" },
    el("caption", {}, "By type, against all others"),
    el("thead", {}, el("tr", {}, ...["Type", "κ", "Cells"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...rows),
  );
}

function confusion(pair: Pair): HTMLElement {
  const { types, counts } = pair.confusion;
  const most = Math.max(1, ...counts.flat());
  const head = el("tr", {}, el("th", {}), ...types.map((type) => el("th", { scope: "col" }, el("span", {}, type))));
  const rows = counts.map((row, at) => {
    const fields = row.map((count, column) => {
      const field = el("td", { class: at === column ? "same" : "differ" }, count ? String(count) : "·");
      field.style.setProperty("--share", String(count / most));
      return field;
    });
    return el("tr", {}, el("th", { scope: "row" }, types[at]!), ...fields);
  });
  return el(
    "table",
    { class: "confusion" },
    el("caption", {}, `Rows: ${pair.readers[0]}; columns: ${pair.readers[1]}`),
    el("thead", {}, head),
    el("tbody", {}, ...rows),
  );
}
