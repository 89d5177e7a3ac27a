/** Keys and their commands; the help dialog lists them. */

import { button, el } from "./dom";

export interface Command {
  /** In the notation of `spelled`. */
  keys: string[];
  /** What it does, for the help. */
  help: string;
  run: (key: string) => void;
}

export interface Group {
  title: string;
  commands: Command[];
  /** What the mouse does, for the help. */
  mouse?: [string, string][];
}

/** A key with its modifiers: `K`, `Shift+K`, `Ctrl+Z`, `ArrowUp`, `?`. The Mac's command key counts as Ctrl. */
export function spelled(event: KeyboardEvent): string {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const shifted = event.shiftKey && (key.length > 1 || key !== key.toLowerCase());
  return [event.ctrlKey || event.metaKey ? "Ctrl+" : "", event.altKey ? "Alt+" : "", shifted ? "Shift+" : "", key].join("");
}

/** Run the command of a pressed key, unless a text field, a button, a link, the title of a panel or an open dialog handles it. */
export function listenToKeys(groups: () => Group[]): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (document.querySelector("dialog[open]") || target.closest("input, select, textarea")) return;
    const key = spelled(event);
    if (target.closest("button, a, summary") && (key === "Enter" || key === "Space")) return;
    const command = groups()
      .flatMap((group) => group.commands)
      .find((candidate) => candidate.keys.includes(key));
    if (!command) return;
    event.preventDefault();
    command.run(key);
  });
}

const SIGNS: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  Delete: "Del",
  PageUp: "Page ↑",
  PageDown: "Page ↓",
};

function shownKey(key: string): HTMLElement {
  const parts = key.match(/^((?:Ctrl\+|Alt\+|Shift\+)*)(.+)$/)!;
  return el("kbd", {}, parts[1]!.replaceAll("+", " ") + (SIGNS[parts[2]!] ?? parts[2]!));
}

/** Show the help: all keys and what the mouse does. */
export function showHelp(groups: Group[]): void {
  const dialog = el("dialog", { class: "help", "aria-label": "Keys and mouse" });
  const sections = groups.map((group) => {
    const list = el("dl");
    for (const { keys, help } of group.commands) list.append(el("dt", {}, ...keys.map(shownKey)), el("dd", {}, help));
    for (const [action, help] of group.mouse ?? []) list.append(el("dt", { class: "mouse" }, action), el("dd", {}, help));
    return el("section", {}, el("h3", {}, group.title), list);
  });
  const close = button("Close", () => dialog.close(), { class: "primary", autofocus: "" });
  const licences = el("a", { href: "/assets/LICENSES.txt", target: "_blank" }, "Licences");
  const head = el("header", {}, el("h2", {}, "Keys and mouse"), licences, close);
  dialog.append(head, el("div", { class: "columns" }, ...sections));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "?") dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}
