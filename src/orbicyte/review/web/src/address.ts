/** The slide and the view in the page's address, behind `#`, so that a reload and a link keep them. */

export interface Place {
  slide: string | null;
  view: string | null;
}

export function placeOf(hash: string): Place {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  return { slide: parts.get("slide"), view: parts.get("view") };
}

export function hashOf({ slide, view }: Place): string {
  const parts = new URLSearchParams();
  if (slide !== null) parts.set("slide", slide);
  if (view !== null) parts.set("view", view);
  return `#${parts.toString()}`;
}

/** Put the place in the address, without a new entry in the history of the browser. */
export function showPlace(place: Place): void {
  const hash = hashOf(place);
  if (hash !== window.location.hash) window.history.replaceState(null, "", hash);
}
