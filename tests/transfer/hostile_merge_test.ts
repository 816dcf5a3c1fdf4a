// Damaged archives on their way through subtree, graft, copy and merge: they end in a PxarError or a sound archive, whatever is in them.
import { Accessor } from "@pxar/codec/accessor";
import { check } from "@pxar/codec/check";
import { decode } from "@pxar/codec/decode";
import { bytesAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches } from "@pxar/format/entry";
import { PxarError } from "@pxar/format/errors";
import { convert } from "@pxar/transfer/convert";
import { copy } from "@pxar/transfer/copy";
import { CONFLICT_POLICIES, merge } from "@pxar/transfer/merge";
import { leafAt, subtree } from "@pxar/transfer/subtree";
import fc from "fast-check";
import { assert } from "../support/assert.ts";
import { loadDamaged, loadVector } from "../support/vectors.ts";
import { bytesOf } from "./archives.ts";

const HARDLINKS = loadVector("hardlinks").v1;
const MIXED = loadVector("mixed").v1;

const inOrder = (archive: Bytes, payload?: Bytes): Batches =>
  decode(new Blob([archive]).stream(), {
    buffer: 128 << 10,
    payload: payload && new Blob([payload]).stream(),
  });

/** What comes of an archive must be sound, where there is no error. */
async function attempt(entries: Batches): Promise<void> {
  let made: Bytes;
  try {
    made = await bytesOf(convert(entries, { split: false }));
  } catch (error) {
    // Some of the split ones have no payload, which is the caller's to know.
    const lacks = error instanceof TypeError &&
      error.message.endsWith("it has no content");
    assert(error instanceof PxarError || lacks, `${error}`);
    return;
  }
  const { damage } = await check(bytesAccess(made));
  assert(damage.length === 0, damage[0]?.message);
}

/** Sends an archive through everything. */
async function sendThrough(archive: Bytes, payload?: Bytes): Promise<void> {
  const entries = () => inOrder(archive, payload);
  for (const policy of CONFLICT_POLICIES) {
    await attempt(
      merge([{ entries: inOrder(HARDLINKS) }, { entries: entries() }], {
        policy,
      }),
    );
  }
  let accessor: Accessor;
  try {
    accessor = await Accessor.open(bytesAccess(archive), {
      payload: payload && bytesAccess(payload),
    });
  } catch (error) {
    assert(error instanceof PxarError, `${error}`);
    return;
  }
  const resolve = (position: number) => leafAt(accessor, position);
  await attempt(
    merge([{ entries: inOrder(HARDLINKS) }, { entries: entries(), resolve }], {
      policy: "keep-first",
    }),
  );
  await attempt(
    copy([
      { archive: accessor, from: "", to: "a/b" },
      { archive: accessor, from: "a", to: "a/b" },
    ], { policy: "replace" }),
  );
  await attempt(merge([{ entries: subtree(accessor, "a") }]));
}

Deno.test("damaged archives end in a PxarError or a sound archive", async () => {
  for (const { archive, payload } of loadDamaged()) {
    await sendThrough(archive, payload);
  }
});

for (const [name, archive] of Object.entries({ HARDLINKS, MIXED })) {
  Deno.test(`mutated and truncated archives end in a PxarError or a sound archive: ${name}`, async () => {
    const head = Math.min(archive.length, 4000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(head - 1), fc.nat(255)), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.oneof(fc.constant(archive.length), fc.nat(archive.length)),
        async (changes, length) => {
          const mutated = archive.slice(0, length);
          for (const [at, value] of changes) {
            if (at < length) mutated[at] = value;
          }
          await sendThrough(mutated);
        },
      ),
      { numRuns: 60 },
    );
  });
}
