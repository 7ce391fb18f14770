/** The name of a plugin in a path; undefined when it is not percent-encoded as it has to be. */
export function decodeName(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
