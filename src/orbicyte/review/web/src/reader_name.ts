/** Names of readers: two that differ only in case, accents' encoding or spaces are probably one person. */

export function tidied(name: string): string {
  return name.trim().replaceAll(/\s+/g, " ").normalize("NFC");
}

/** The known reader whose name is `name` in another spelling; undefined if there is none, or `name` itself is known. */
export function similarReader(name: string, readers: readonly string[]): string | undefined {
  if (readers.includes(name)) return undefined;
  return readers.find((known) => folded(known) === folded(name));
}

function folded(name: string): string {
  return tidied(name).normalize("NFKC").toLocaleLowerCase("en");
}
