/** Dark or light: as the system has it, until the reader turns it. */

const KEY = "orbicyte.theme";

export function startTheme(): void {
  const chosen = localStorage.getItem(KEY);
  if (chosen) document.documentElement.dataset["theme"] = chosen;
}

export function turnTheme(): void {
  const root = document.documentElement;
  const dark = getComputedStyle(root).colorScheme.trim() !== "light";
  root.dataset["theme"] = dark ? "light" : "dark";
  localStorage.setItem(KEY, root.dataset["theme"]);
}
