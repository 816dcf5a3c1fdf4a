/**
 * Bits flipped across a whole datastore: each is found by verification or does not matter, and no reader gives a wrong byte.
 *
 * @module
 */
import { flipBits } from "../tests/store/flips.ts";
import { type Figure, none, say, told } from "./figures.ts";

/** How many bits. */
const BITS = 1000;

/** Flips them; what is not as it must be is an error. */
export async function damage(factor: number): Promise<Figure[]> {
  const count = Math.max(1, Math.round(BITS * factor));
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1 | 1;
  say(`damage: ${count} bits, seed ${seed}`);
  let done = 0;
  const { found, irrelevant } = await flipBits(count, seed, () => {
    if (++done % 100 === 0) say(`damage: ${done}`);
  });
  return [
    none("bits flipped, neither found nor irrelevant", count),
    none("bits flipped, a reader gave wrong bytes", count),
    told("found by verify", `${found}`),
    ...Object.entries(irrelevant).map(([what, bits]) =>
      told(`irrelevant: ${what}`, `${bits}`)
    ),
  ];
}
