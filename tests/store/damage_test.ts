import { assert, assertEquals } from "../support/assert.ts";
import { flipBits } from "./flips.ts";

Deno.test("every bit that is flipped in a store is found or does not matter, and no reader gives a wrong byte", async () => {
  // 100 of them here, 1,000 by \`deno task proof damage\`.
  const { found, irrelevant } = await flipBits(100, 20261125);
  const others = Object.values(irrelevant).reduce(
    (sum, count) => sum + count,
    0,
  );
  assertEquals(found + others, 100);
  assert(
    found > 40 && others > 10,
    `${found} found, ${JSON.stringify(irrelevant)}`,
  );
});
