/** The reader's name. Kept for the window; a new window starts with the last name used in this browser. */

import { button, el } from "./dom";
import { similarReader, tidied } from "./reader_name";

const KEY = "orbicyte.reader";
export const LONGEST_NAME = 60;

export function knownReader(): string | null {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
}

/** Ask for the reader's name; `before` is the current name, without which the dialog cannot be cancelled. */
export function askReader(before: string | null, readers: readonly string[]): Promise<string | null> {
  const field = el("input", {
    name: "reader",
    required: "",
    maxlength: String(LONGEST_NAME),
    autocomplete: "off",
    list: "readers",
    "aria-label": "Your name",
  });
  field.value = before ?? "";
  const names = el("datalist", { id: "readers" }, ...readers.map((name) => el("option", { value: name })));
  const offer = el("div", { class: "offer", role: "alert", hidden: "" });
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", {}, "Who is the reader?"),
    el("p", {}, "Your name is saved with every decision you make. Your labels are not shown to other readers."),
    field,
    names,
    offer,
    el("footer", {}, el("button", { class: "primary", value: "ok" }, "Start")),
  );
  const dialog = el("dialog", { class: "ask", "aria-label": "Reader" }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    const use = (name: string): void => {
      sessionStorage.setItem(KEY, name);
      localStorage.setItem(KEY, name);
      dialog.close();
      resolve(name);
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = tidied(field.value);
      if (!name) return;
      const known = similarReader(name, readers);
      if (known === undefined) use(name);
      else offerName(offer, known, name, use);
    });
    field.addEventListener("input", () => (offer.hidden = true));
    dialog.addEventListener("cancel", (event) => {
      if (!before) event.preventDefault();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(null);
    });
    dialog.showModal();
    field.select();
  });
}

/** Ask whether the reader is the one known by another spelling of the name. */
function offerName(offer: HTMLElement, known: string, name: string, use: (name: string) => void): void {
  const same = button(`I am ${known}`, () => use(known), { class: "primary" });
  const other = button(`No, I am ${name}`, () => use(name));
  offer.replaceChildren(el("p", {}, `A reader ${known} has made decisions in this study. Names that differ count as two readers.`), same, other);
  offer.hidden = false;
  same.focus();
}
