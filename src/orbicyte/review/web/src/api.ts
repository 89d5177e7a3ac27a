/** Requests to the server and its answers (`orbicyte.review.app`). */

/** A label for cells and its key; the first ten have a digit. */
export interface LabelClass {
  name: string;
  key: string | null;
}

export interface SlideInfo {
  name: string;
  width_px: number;
  height_px: number;
  mpp: number;
  tile_px: number;
  cells: number;
  checked: number;
  rejected?: number;
  labelled: Record<string, number>;
  problem: string | null;
}

export interface StudyInfo {
  id: string;
  study: string;
  version: string;
  writable: boolean;
  note: string | null;
  classes: LabelClass[];
  extra: LabelClass[];
  readers: string[];
  predicted: boolean;
  slides: SlideInfo[];
}

export interface CellColumns {
  seq: number;
  id: string[];
  x_px: number[];
  y_px: number[];
  diameter_px: number[];
  score: (number | null)[];
  status: number[];
  uncertainty: number[];
  label: (string | null)[];
  predicted: (string | null)[];
  probability: (number | null)[];
  out_of_distribution: boolean[];
  added: boolean[];
}

export type StatusName = "unchecked" | "kept" | "rejected" | "removed";

export interface Fields {
  status?: StatusName;
  x_px?: number;
  y_px?: number;
  diameter_px?: number;
  label?: string | null;
}

/** "name" sets a label: existing logs contain this word. */
export type Kind = "check" | "move" | "resize" | "add" | "name";

/** A decision before it is saved. */
export interface Draft {
  id: string;
  slide: string;
  cell: string;
  kind: Kind;
  after: Fields;
}

export interface SavedEvent {
  seq: number;
  id: string;
  at: string;
  who: string;
  slide: string;
  cell: string;
  kind: Kind | "outline" | "undo" | "redo";
  before: Fields;
  after: Fields;
  batch: string;
}

export interface Confusion {
  types: string[];
  counts: number[][];
}

export interface Pair {
  readers: [string, string];
  cells: number;
  kappa: number | null;
  agreement: number | null;
  /** Why there are no figures yet. */
  note: string | null;
  by_type: { type: string; kappa: number | null; cells: number }[];
  confusion: Confusion;
}

/** The server refused the request: sending it again would not help. */
export class Refusal extends Error {}

/** The server did not answer, or cannot at present: the request may be sent again. */
export class Outage extends Error {}

/** The server failed on this request, by chance or because of its content. */
export class Failure extends Outage {}

const REFUSALS = [400, 403, 409];
const OUTAGES = [401, 408, 429, 502, 503, 504, 507];

/** Id of this page's study: a server of another study refuses its requests. */
let study: string | null = null;

/** Numbers in names count as numbers: D2 is before D10. */
const natural = new Intl.Collator("en", { numeric: true });

export async function getStudy(): Promise<StudyInfo> {
  const info = await ask<StudyInfo>("/api/study", {});
  study = info.id;
  info.slides.sort((a, b) => natural.compare(a.name, b.name));
  return info;
}

export async function get<T>(path: string): Promise<T> {
  return ask<T>(path, {});
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  return ask<T>(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Orbicyte": "1" },
    body: JSON.stringify(body),
  });
}

async function ask<T>(path: string, request: RequestInit): Promise<T> {
  let answer: Response;
  try {
    const headers = new Headers(request.headers);
    if (study !== null) headers.set("X-Orbicyte-Study", study);
    answer = await fetch(path, { ...request, headers, signal: AbortSignal.timeout(30_000) });
  } catch {
    throw new Outage("the server does not answer");
  }
  if (answer.ok) return (await answer.json()) as T;
  const problem = await problemOf(answer);
  if (REFUSALS.includes(answer.status)) throw new Refusal(problem);
  throw OUTAGES.includes(answer.status) ? new Outage(problem) : new Failure(problem);
}

async function problemOf(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    const { problem } = JSON.parse(text) as { problem?: unknown };
    if (typeof problem === "string") return problem;
  } catch {
    // not JSON: shown as it is
  }
  return text.slice(0, 200) || `the server answered ${answer.status}`;
}

/** The path of a crop; `version` changes whenever the crop does. */
export function cropPath(slide: string, cell: string, px: number, um: number, version: string): string {
  return `/crops/${encodeURIComponent(slide)}/${encodeURIComponent(cell)}.jpg?px=${px}&um=${um}&v=${version}`;
}

export function tilePath(slide: string, level: number, x: number, y: number): string {
  return `/tiles/${encodeURIComponent(slide)}/${level}/${x}_${y}.jpg`;
}
