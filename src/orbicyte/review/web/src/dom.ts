/** Elements of the page. Text is only ever inserted as text: nothing here parses markup. */

export type Child = Node | string;

/** A new element. Attributes are set as they are; children that are strings become text. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A button that does not take the keyboard focus when it is clicked. */
export function button(label: string, press: () => void, attributes: Record<string, string> = {}): HTMLButtonElement {
  const element = el("button", { type: "button", ...attributes }, label);
  element.addEventListener("mousedown", (event) => event.preventDefault());
  element.addEventListener("click", press);
  return element;
}

/** A drop-down list with a label. */
export function choice<T extends string>(
  label: string,
  options: readonly (readonly [T, string])[],
  selected: T,
  choose: (value: T) => void,
): HTMLElement {
  const select = el("select", { "aria-label": label, title: label });
  for (const [value, text] of options) select.append(el("option", { value }, text));
  select.value = selected;
  select.addEventListener("change", () => {
    choose(select.value as T);
    select.blur();
  });
  return el("label", { class: "choice" }, el("span", {}, label), select);
}

/** Set the text of `element`, if it differs. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A function that calls `work` before the next frame, once per frame however often it is called. */
export function beforeFrame(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
