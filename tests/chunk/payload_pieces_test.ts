import { PayloadPieces } from "@pxar/chunk/payload_pieces";
import fc from "fast-check";
import { assert, assertEquals } from "../support/assert.ts";
import { pieceLengths } from "../support/payload_model.ts";

const KIB = 1 << 10, MIB = 1 << 20;

/** Lengths of the pieces that are known to end once all files were told of. */
function lengthsOf(sizes: readonly number[]): number[] {
  const pieces = new PayloadPieces(), lengths: number[] = [];
  for (const size of sizes) pieces.file(size);
  for (let at = 0, end; (end = pieces.end) !== undefined; at = end) {
    lengths.push(end - at);
    pieces.next();
  }
  return lengths;
}

Deno.test("PayloadPieces collect what is short up to 256 KiB, and leave the rest as it is read", () => {
  const cases: readonly [sizes: number[], lengths: number[]][] = [
    [[], []],
    [[0], []],
    // Exactly full: it goes when the next write comes.
    [[256 * KIB - 32], []],
    [[256 * KIB - 32, 0], [256 * KIB]],
    // One byte too many: the header is a piece of its own, with the marker before.
    [[256 * KIB - 31], [32]],
    [[256 * KIB - 1], [32]],
    // A long one never waits.
    [[256 * KIB], [32, 256 * KIB]],
    [[4 * MIB], [32, 4 * MIB]],
    [[4 * MIB + 1, 0], [32, 4 * MIB]],
    [[9 * MIB], [32, 4 * MIB, 4 * MIB, MIB]],
    // What is left of a long file is collected with what follows.
    [[4 * MIB + 100, 200 * KIB, 100 * KIB], [
      32,
      4 * MIB,
      100 + 16 + 200 * KIB + 16,
    ]],
    [[0, 0, 300 * KIB, 0], [16 + 3 * 16, 300 * KIB]],
  ];
  for (const [sizes, lengths] of cases) {
    assertEquals(lengthsOf(sizes), lengths, `${sizes}`);
  }
});

/** Sizes of files, most of them near what matters. */
const SIZE = fc.oneof(
  fc.nat(300 * KIB),
  fc.integer({ min: 256 * KIB - 40, max: 256 * KIB + 40 }),
  fc.integer({ min: 4 * MIB - 40, max: 4 * MIB + 256 * KIB + 40 }),
  fc.nat(20 * MIB),
  fc.constant(0),
);

Deno.test("PayloadPieces are those of a buffer of 256 KiB, whenever they are asked for", () => {
  fc.assert(
    fc.property(
      fc.array(SIZE, { maxLength: 60 }),
      fc.infiniteStream(fc.boolean()),
      (sizes, asks) => {
        const pieces = new PayloadPieces(), found: number[] = [];
        let at = 0;
        const ask = () => {
          for (let end; (end = pieces.end) !== undefined; at = end) {
            found.push(end - at);
            pieces.next();
          }
        };
        for (const size of sizes) {
          pieces.file(size);
          if (asks.next().value) ask();
        }
        ask();
        // The last piece of the model is what is still being collected; the marker at the end comes to it.
        const expected = pieceLengths(sizes);
        assertEquals(found, expected.slice(0, found.length));
        const rest = expected.slice(found.length);
        assert(rest.length <= 2 && rest.every((one) => one <= 256 * KIB));
      },
    ),
    { numRuns: 300 },
  );
});
