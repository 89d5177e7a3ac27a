// Colours of the marks on the slide.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CURRENT_INK, DARK, INKS, OUTLINE_INK, SELECTED_INK } from "../../../src/orbicyte/review/web/src/marks.ts";

const STAINS = { background: "#f7e0c8", nucleus: "#2b0f55", eosin: "#c0628a", "red cell": "#b58a95" };
/** The least contrast of graphical marks (WCAG 2.2, 1.4.11). */
const LEAST = 3;

function luminance(colour) {
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  const [r, g, b] = parts.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(first, second) {
  const [low, high] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

test("status, selection, current cell and outline have different colours", () => {
  const inks = [...Object.values(INKS), SELECTED_INK, CURRENT_INK, OUTLINE_INK];
  assert.equal(new Set(inks).size, 6);
});

test("each mark, or its casing, is visible on every stain", () => {
  for (const ink of [...Object.values(INKS), SELECTED_INK, CURRENT_INK, OUTLINE_INK])
    for (const [name, stain] of Object.entries(STAINS))
      assert.ok(Math.max(contrast(ink, stain), contrast(DARK, stain)) >= LEAST, `${ink} on ${name}`);
});
