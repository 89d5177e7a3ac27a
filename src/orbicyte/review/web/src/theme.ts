/** Dark or light: the system's setting, until the reader changes it. */

const KEY = "orbicyte.theme";

export function startTheme(): void {
  const selected = localStorage.getItem(KEY);
  if (selected) document.documentElement.dataset["theme"] = selected;
}

export function switchTheme(): void {
  const root = document.documentElement;
  const dark = getComputedStyle(root).colorScheme.trim() !== "light";
  root.dataset["theme"] = dark ? "light" : "dark";
  localStorage.setItem(KEY, root.dataset["theme"]);
}
