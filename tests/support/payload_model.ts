// The payload stream of a split archive as the official client writes it: the lengths of its pieces, told as simply as possible (spec B.4).

const BUFFER = 256 << 10, READ = 4 << 20, HEADER = 16;

/**
 * Lengths of the pieces in which a payload stream is written.
 *
 * @param sizes Sizes of the files whose contents are written, in order.
 * @returns All of them, with those of the markers at the start and at the end.
 */
export function pieceLengths(sizes: readonly number[]): number[] {
  const pieces: number[] = [];
  let buffer = 0;
  const write = (length: number): void => {
    if (buffer > 0 && buffer + length > BUFFER) {
      pieces.push(buffer);
      buffer = 0;
    }
    if (length < BUFFER) {
      buffer += length;
      return;
    }
    if (buffer > 0) pieces.push(buffer);
    buffer = 0;
    pieces.push(length);
  };
  write(HEADER);
  for (const size of sizes) {
    write(HEADER);
    for (let left = size; left > 0; left -= READ) write(Math.min(left, READ));
  }
  write(HEADER);
  if (buffer > 0) pieces.push(buffer);
  return pieces;
}
