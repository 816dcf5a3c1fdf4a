// Every golden tree, built on the file system that it needs, gives the golden archives byte by byte.
import { decode } from "@pxar/codec/decode";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches } from "@pxar/format/entry";
import { parsePattern } from "@pxar/format/pattern";
import { readTree, type ReadTreeOptions } from "@pxar/fs/read_tree";
import { Report } from "@pxar/fs/report";
import { each } from "@pxar/transfer/each";
import { split, unified } from "../support/archives.ts";
import { assertEquals } from "../support/assert.ts";
import { assertSameBytes } from "../support/entries.ts";
import { WANTED_IN_EXCLUDE_TREE } from "../support/exclude_cases.ts";
import {
  type ImageKind,
  imageNeeds,
  withImage,
  withTree,
} from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { loadVector, TREES, VARIANTS } from "../support/vectors.ts";

const IMAGES: { readonly [tree: string]: ImageKind } = {
  bigxattr: "ext4-ea",
  btrfs: "btrfs",
  quota: "xfs",
};

const OPTIONS: {
  readonly [vector: string]: { readonly tree: string } & ReadTreeOptions;
} = {
  "exclude-cli-a": { tree: "exclude", patterns: patterns("readme", "/build/") },
  "exclude-cli-all": { tree: "exclude", patterns: patterns("*") },
  "exclude-cli-b": {
    tree: "exclude",
    patterns: patterns("!a.tmp", "zz-*/", "sub/cache", "**/deeper", "patterns"),
  },
  "hardlinks-first-excluded": {
    tree: "hardlinks",
    patterns: patterns("a/first"),
  },
  "xattrs-no-acls": { tree: "xattrs", acls: false },
  "xattrs-no-fcaps": { tree: "xattrs", fcaps: false },
  "xattrs-no-xattrs": { tree: "xattrs", xattrs: false },
};

/** What a nested anchored pattern means is the one wanted difference: both sides without what it is about. */
const DIFFERENT = new Set(["exclude", "exclude-cli-a", "exclude-cli-b"]);
const ABOUT = new Set(
  Object.values(WANTED_IN_EXCLUDE_TREE).map((path) =>
    path.slice("sub/".length)
  ),
);

function patterns(...texts: string[]): ReadTreeOptions["patterns"] & object {
  return texts.map((text) => parsePattern(text));
}

function withoutWanted(batches: Batches): Batches {
  const decoder = new TextDecoder();
  return each(
    batches,
    (entry) => ABOUT.has(decoder.decode(entry.name)) ? undefined : entry,
  );
}

async function compare(
  vector: string,
  path: string,
  options: ReadTreeOptions,
): Promise<void> {
  const report = new Report();
  let { v1, metadata, payload } = loadVector(vector);
  let ours: (batches: Batches) => Batches = (batches) => batches;
  if (DIFFERENT.has(vector)) {
    ours = withoutWanted;
    const whole: { v1: Bytes; metadata: Bytes; payload: Bytes } = {
      v1,
      metadata,
      payload,
    };
    v1 = await unified(withoutWanted(decode(whole.v1)));
    ({ metadata, payload } = await split(
      withoutWanted(decode(whole.metadata, { payload: whole.payload })),
    ));
  }
  const made = await unified(ours(readTree(path, { ...options, report })));
  assertSameBytes(made, v1, `${vector}.pxar`);
  const parts = await split(
    ours(readTree(path, { ...options, prelude: true })),
  );
  assertSameBytes(parts.metadata, metadata, `${vector}.mpxar`);
  assertSameBytes(parts.payload, payload, `${vector}.ppxar`);
  assertEquals(report.errors, 0);
  // One exclude file of that tree has a line that is no pattern.
  const problems = report.problems.map((problem) => problem.message);
  assertEquals(
    problems.filter((message) => !message.includes("trailing-backslash")),
    [],
  );
}

for (const tree of TREES) {
  const kind = IMAGES[tree] ?? "ext4";
  systemTest(
    `readTree() and encode() give the golden archives of ${tree} on ${kind}`,
    [...imageNeeds(kind), "python3"],
    () =>
      withImage(
        kind,
        (mount) =>
          withTree(tree, `${mount}/tree`, async (path) => {
            await compare(tree, path, {});
            for (const variant of VARIANTS) {
              const { tree: of, ...options } = OPTIONS[variant]!;
              if (of === tree) {
                await compare(variant, path, options);
              }
            }
          }),
      ),
  );
}
