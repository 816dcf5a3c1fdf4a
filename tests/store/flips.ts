// Bits that are flipped across a whole store, one at a time: each is found by verification, or does not matter, and no reader is ever given a wrong byte. Used by a test and by a proof.
import { decodeBlob, joinBlob, sealBlob } from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { CryptKey } from "@pxar/chunk/key";
import type { Bytes } from "@pxar/format/bytes";
import { PxarError } from "@pxar/format/errors";
import { ChunkCrew } from "@pxar/store/chunk_crew";
import type { Datastore } from "@pxar/store/datastore";
import { collectGarbage } from "@pxar/store/gc";
import { type SnapshotName, snapshotText } from "@pxar/store/snapshot";
import { verify } from "@pxar/store/verify";
import { assertSameBytes } from "../support/entries.ts";
import { xorshift32 } from "../support/prng.ts";
import { groupOf, snapshotOf } from "./contract.ts";
import {
  type Contents,
  contentsOf,
  type Keyed,
  makeFull,
  readFull,
} from "./full.ts";
import {
  bytesOf,
  chunkFiles,
  namesIn,
  strayChunk,
  withDatastore,
} from "./stores.ts";

/** What does not matter, and why: by the file's path in the store, and where in it. */
const IRRELEVANT: readonly {
  readonly what: string;
  readonly file: RegExp;
  readonly from?: number;
  readonly to?: number;
}[] = [
  {
    what: "uuid and time in an index's header, which nothing depends on",
    file: /\.[df]idx$/,
    from: 8,
    to: 32,
  },
  {
    what: "reserved bytes of a dynamic index",
    file: /\.didx$/,
    from: 64,
    to: 4096,
  },
  {
    what: "reserved bytes of a fixed index",
    file: /\.fidx$/,
    from: 80,
    to: 4096,
  },
  {
    what: "a group's owner, a text that nothing vouches for",
    file: /\/owner$/,
  },
  {
    what: "a group's notes, a text that nothing vouches for",
    file: /\/notes$/,
  },
  { what: "what the last collection counted", file: /^\/\.gc-status$/ },
];

/** What was flipped, and what came of it. */
export interface Flips {
  /** How many verification found. */
  found: number;
  /** How many do not matter, by what they are. */
  readonly irrelevant: Record<string, number>;
}

interface Made {
  readonly snapshot: SnapshotName;
  readonly keyed: Keyed;
  readonly contents: Contents;
}

const KEY = CryptKey.of(new Uint8Array(32).fill(5)),
  LOG = bytesOf("it went well ".repeat(9));

/**
 * Flips bits.
 *
 * @param count How many.
 * @param seed Which.
 * @param onFlip Told of each before.
 * @throws If one is neither found nor irrelevant, or a reader gives wrong bytes.
 */
export async function flipBits(
  count: number,
  seed: number,
  onFlip?: (what: string) => void,
): Promise<Flips> {
  const flips: Flips = { found: 0, irrelevant: {} };
  await withDatastore(async (store) => {
    const crew = await ChunkCrew.start(store.direct, { key: KEY, threads: 0 });
    const plain = await ChunkCrew.start(store.direct, { threads: 0 });
    try {
      const made = await makeStore(store, crew, plain);
      const used = await usedChunks(store);
      await assertSound(store, made, crew);
      const files = namesIn(store.location).flatMap((path) => {
        const { isFile, size } = Deno.lstatSync(`${store.location}${path}`);
        return isFile && size > 0 ? [{ path, size }] : [];
      });
      const all = files.reduce((sum, { size }) => sum + size, 0),
        next = xorshift32(seed);
      for (let i = 0; i < count; i++) {
        // In turn: every byte of the store is as likely as any other; every file; every start of a file.
        let file = files[next() % files.length]!;
        let at = next() % (i % 3 === 1 ? file.size : Math.min(100, file.size));
        if (i % 3 === 0) {
          at = next() % all;
          file = files.find(({ size }) => at < size || (at -= size, false))!;
        }
        await flipOne(
          store,
          made,
          crew,
          used,
          file.path,
          at,
          next() % 8,
          flips,
          onFlip,
        );
      }
      await assertSound(store, made, crew);
    } finally {
      crew.close();
      plain.close();
    }
  });
  return flips;
}

async function makeStore(
  store: Datastore,
  crew: ChunkCrew,
  plain: ChunkCrew,
): Promise<Made[]> {
  await store.createNamespace("a");
  const codecs = await openCodecs(), made: Made[] = [];
  for (
    const [id, namespace, keyed] of [
      ["plain", "", {}],
      ["secret", "", { key: KEY }],
      ["signed", "a", { key: KEY, signsOnly: true }],
    ] as const satisfies [string, string, Keyed][]
  ) {
    const snapshot = snapshotOf(groupOf(id, namespace), 0),
      contents = await contentsOf(made.length + 1);
    await makeFull(
      store,
      snapshot,
      id === "secret" ? crew : plain,
      contents,
      keyed,
    );
    const key = id === "secret" ? KEY : undefined;
    await store.uploadLog(
      snapshot,
      joinBlob(await sealBlob(LOG, { codecs, key })),
    );
    await store.setGroupNotes(snapshot, "notes on the group");
    await store.setNotes(snapshot, "notes on the snapshot");
    await store.setProtected(snapshot, true);
    made.push({ snapshot, keyed, contents });
  }
  await collectGarbage(store, { checkAccessTimes: false });
  await strayChunk(store, "a chunk that no index names ".repeat(9));
  return made;
}

/** Paths of the chunks that indexes name. */
async function usedChunks(store: Datastore): Promise<Set<string>> {
  const clock = store.chunks.clock();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await collectGarbage(store, { checkAccessTimes: false });
  return new Set(
    chunkFiles(store).filter((file) =>
      store.chunks.state(file)!.atime > clock + 10
    )
      .map(({ path }) => path.slice(store.location.length)),
  );
}

async function flipOne(
  store: Datastore,
  made: readonly Made[],
  crew: ChunkCrew,
  used: ReadonlySet<string>,
  path: string,
  at: number,
  bit: number,
  flips: Flips,
  onFlip: ((what: string) => void) | undefined,
): Promise<void> {
  const what = `bit ${bit} of byte ${at} of ${path}`,
    whole = `${store.location}${path}`;
  onFlip?.(what);
  const before = Deno.readFileSync(whole), damaged = before.slice();
  damaged[at] = damaged[at]! ^ 1 << bit;
  Deno.writeFileSync(whole, damaged);
  try {
    const why = whyIrrelevant(path, at, used);
    const wrong = await readAll(store, made, crew);
    const { failed } = await verify(unnoting(store), { namespace: "" }, {
      key: KEY,
      threads: 0,
    });
    if (why === undefined && failed === 0) {
      throw new Error(`verify() does not find ${what}`);
    }
    if (why !== undefined && (failed > 0 || wrong > 0)) {
      throw new Error(`${what} matters, and was said not to: ${why}`);
    }
    if (why === undefined) flips.found++;
    else flips.irrelevant[why] = (flips.irrelevant[why] ?? 0) + 1;
  } finally {
    for (const { kind, path } of chunkFiles(store)) {
      if (kind === "bad") Deno.removeSync(path);
    }
    Deno.writeFileSync(whole, before);
  }
}

/** Why it does not matter that a bit is another; `undefined` where it does. */
function whyIrrelevant(
  path: string,
  at: number,
  used: ReadonlySet<string>,
): string | undefined {
  if (path.startsWith("/.chunks/")) {
    return used.has(path) ? undefined : "a chunk that no index names";
  }
  return IRRELEVANT.find(({ file, from = 0, to = Infinity }) =>
    file.test(path) && at >= from && at < to
  )?.what;
}

/** The store, but that no outcome is noted in it. */
function unnoting(store: Datastore): Datastore {
  return Object.create(store, {
    changeManifest: { value: () => Promise.resolve() },
  });
}

/** Reads all there is, and compares what comes back; gives how much did not. */
async function readAll(
  store: Datastore,
  made: readonly Made[],
  crew: ChunkCrew,
): Promise<number> {
  let errors = 0;
  const failed = (error: unknown, label: string) => {
    if (!(error instanceof PxarError)) {
      throw new Error(`${label}: ${error}`, { cause: error });
    }
    errors++;
  };
  for (const { snapshot, keyed: { key }, contents } of made) {
    const label = snapshotText(snapshot);
    const compare = (name: string, content: Bytes | { error: unknown }) => {
      if ("error" in content) failed(content.error, `${label} ${name}`);
      else assertSameBytes(content, contents.get(name)!, `${label} ${name}`);
    };
    try {
      await readFull(store, snapshot, crew, key, compare);
    } catch (error) {
      failed(error, label);
    }
    try {
      const log = store.files.read(
        `${store.tree.snapshotFolder(snapshot)}/client.log.blob`,
        1 << 20,
      )!;
      const data = await decodeBlob(log, { codecs: store.codecs, key });
      assertSameBytes(data, LOG, `${label} client.log.blob`);
    } catch (error) {
      failed(error, label);
    }
    for (
      const list of [
        () => store.snapshots(snapshot),
        () => store.groups(snapshot.namespace),
        () => store.notes(snapshot),
      ]
    ) {
      try {
        await list();
      } catch (error) {
        failed(error, label);
      }
    }
  }
  return errors;
}

async function assertSound(
  store: Datastore,
  made: readonly Made[],
  crew: ChunkCrew,
): Promise<void> {
  const errors = await readAll(store, made, crew);
  const { failed } = await verify(unnoting(store), { namespace: "" }, {
    key: KEY,
    threads: 0,
  });
  if (errors + failed > 0) {
    throw new Error(`The store is not sound: ${errors} and ${failed}`);
  }
}
