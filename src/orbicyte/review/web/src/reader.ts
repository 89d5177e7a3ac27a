/** The reader's name. Kept for the window; a new window starts with the last name used in this browser. */

import { el } from "./dom";

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
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", {}, "Who is the reader?"),
    el("p", {}, "Your name is saved with every decision you make. Your labels are not shown to other readers."),
    field,
    names,
    el("footer", {}, el("button", { class: "primary", value: "ok" }, "Start")),
  );
  const dialog = el("dialog", { class: "ask", "aria-label": "Reader" }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = field.value.trim().replaceAll(/\s+/g, " ");
      if (!name) return;
      sessionStorage.setItem(KEY, name);
      localStorage.setItem(KEY, name);
      dialog.close();
      resolve(name);
    });
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
