/**
 * Names for what is not finished.
 *
 * @module
 */

/** A name that nothing has, for what then takes the place of something else. */
export function temporaryName(): string {
  const random = crypto.getRandomValues(new Uint32Array(4));
  return `.pxar-${random.reduce((text, part) => text + part.toString(36), "")}`;
}
