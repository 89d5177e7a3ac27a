/** A colour for each type, the same wherever the type is shown; labels that are no types have none. */

const COLOURS = [
  ...["#3f8cff", "#e69f00", "#12a67c", "#e05a12", "#d970ae", "#56b4e9", "#b3a100", "#8f6fe0", "#a8695a", "#7d8a99"],
  ...["#b0215e", "#00c2c7", "#6b8e23", "#ff9db0", "#4b3fbf", "#c9a9ff", "#8b1a1a", "#ffd166", "#0b6e6a", "#9be15d"],
];
/** Degrees between the hues of further types. */
const HUE_STEP = 137.5;

export class TypeColours {
  private readonly colours: ReadonlyMap<string, string>;

  constructor(types: readonly string[]) {
    this.colours = new Map(types.map((type, at) => [type, COLOURS[at] ?? `hsl(${Math.round(at * HUE_STEP) % 360} 60% 52%)`]));
  }

  of(type: string | null): string {
    return this.colours.get(type ?? "") ?? "transparent";
  }
}
