/** Agreement: how often readers who are blinded to each other give the same labels. */

import { get, type Pair } from "./api";
import { ComparedCells } from "./compared_cells";
import { button, el } from "./dom";
import type { Group } from "./keys";
import type { TypeColours } from "./type_colours";
import type { View } from "./view";

export class AgreementView implements View {
  readonly title = "Agreement";
  readonly element = el("main", { class: "agreement" });
  private readonly content = el("div", { class: "pairs" });

  constructor(
    private readonly colours: TypeColours,
    private readonly open: (slide: string, cell: string) => void,
  ) {
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
      const sections = pairs.map((pair) => this.section(pair));
      this.content.replaceChildren(...(sections.length ? sections : [el("p", { class: "none" }, none)]));
    } catch (error) {
      this.content.replaceChildren(el("p", { class: "none" }, (error as Error).message));
    }
  }

  private section(pair: Pair): HTMLElement {
    const [first, second] = pair.readers;
    const section = el("section", { class: "pair" }, el("h3", {}, `${first} and ${second}`), figures(pair));
    if (pair.note) {
      section.append(el("p", { class: "none" }, pair.note));
      return section;
    }
    const cells = new ComparedCells(pair, this.open);
    const choose = (labels: readonly [string, string]): void => {
      void cells.show(labels).then(() => cells.element.scrollIntoView({ block: "nearest" }));
    };
    section.append(el("div", { class: "tables" }, this.byType(pair), this.confusion(pair, choose)), cells.element);
    void cells.show();
    return section;
  }

  private byType(pair: Pair): HTMLElement {
    const rows = pair.by_type.map(({ type, kappa, cells }) =>
      el("tr", {}, this.typeHead(type), el("td", {}, figure(kappa)), el("td", {}, String(cells))),
    );
    return el(
      "table",
      { class: "by-type" },
      el("caption", {}, "By type, against all others"),
      el("thead", {}, el("tr", {}, ...["Type", "κ", "Cells"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, ...rows),
    );
  }

  private confusion(pair: Pair, choose: (labels: readonly [string, string]) => void): HTMLElement {
    const { types, counts } = pair.confusion;
    const most = Math.max(1, ...counts.flat());
    const head = el("tr", {}, el("th", {}), ...types.map((type) => el("th", { scope: "col" }, el("span", {}, type))));
    const rows = counts.map((row, at) => {
      const fields = row.map((count, column) => {
        const labels = [types[at]!, types[column]!] as const;
        const words = `${pair.readers[0]}: ${labels[0]}, ${pair.readers[1]}: ${labels[1]}`;
        const content = count ? button(String(count), () => choose(labels), { title: `Show the cells (${words})` }) : "·";
        const field = el("td", { class: at === column ? "same" : "differ" }, content);
        field.style.setProperty("--share", String(count / most));
        return field;
      });
      return el("tr", {}, this.typeHead(types[at]!), ...fields);
    });
    return el(
      "table",
      { class: "confusion" },
      el("caption", {}, `Rows: ${pair.readers[0]}; columns: ${pair.readers[1]}. Click a number to see its cells.`),
      el("thead", {}, head),
      el("tbody", {}, ...rows),
    );
  }

  private typeHead(type: string): HTMLElement {
    const head = el("th", { scope: "row", class: "of-type" }, type);
    head.style.setProperty("--type", this.colours.of(type));
    return head;
  }
}

function figure(value: number | null): string {
  return value === null ? "–" : value.toFixed(2);
}

function figures(pair: Pair): HTMLElement {
  const numbers = [
    ["Cohen's κ", figure(pair.kappa)],
    ["same label", pair.agreement === null ? "–" : `${(100 * pair.agreement).toFixed(1)} %`],
    ["cells labelled by both", pair.cells.toLocaleString("en")],
  ];
  return el("dl", { class: "figures" }, ...numbers.map(([name, value]) => el("div", {}, el("dt", {}, name!), el("dd", {}, value!))));
}
