import { assert, assertEquals } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import { crash } from "./crashes.ts";

systemTest(
  "a writer that is killed at any moment leaves a store in which every finished snapshot is whole, and which a collection cleans",
  ["unix"],
  async () => {
    // 24 of them here, 200 by \`deno task proof crash\`.
    const { kills, made, unfinished } = await crash(24, 20261125);
    assertEquals(kills, 24);
    assert(
      made > 24 && unfinished > 3,
      `${made} made, ${unfinished} unfinished`,
    );
  },
);
