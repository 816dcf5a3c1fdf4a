/**
 * Measures sealing and opening of 2 MiB chunks on one thread against C on the same bytes: what `zstd -b1` and `openssl speed` need for the same steps.
 *
 * @module
 */
import { builtinAesGcm, portableAesGcm } from "@pxar/chunk/aes_gcm";
import { openBlob, sealBlob, type SealedBlob } from "@pxar/chunk/blob";
import { joinBlob } from "@pxar/chunk/blob";
import { type Codecs, openCodecs } from "@pxar/chunk/codecs";
import { digestOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import { Scratch } from "@pxar/chunk/scratch";
import { builtinZstd, portableZstd } from "@pxar/chunk/zstd";
import type { Bytes } from "@pxar/format/bytes";
import { openNative } from "@pxar/sys/native";
import { makeMixed } from "./corpus.ts";
import { Place } from "./place.ts";
import { table } from "./table.ts";

/** What the columns of {@linkcode benchBlob} are. */
export const BLOB_HEAD: readonly string[] = [
  "2 MiB chunks",
  "by",
  "MB/s",
  "of C's speed",
];

const MIB = 2 ** 20;
const CHUNK = 2 * MIB, TOTAL = 32 * MIB;
/** The chunks are taken out of so much at equal distances: files are large, so the first of them are no fair sample. */
const CORPUS = 512 * MIB;
const ROUNDS = 3;

/** Bytes per second, of C. */
interface Speeds {
  readonly compress: number;
  readonly decompress: number;
  readonly gcm: number;
  readonly sha256: number;
}

/**
 * Makes the bytes, measures C, then each way to seal and open; checks that what comes back is what went in.
 *
 * @returns Rows for a table with {@linkcode BLOB_HEAD}. Sealing compresses, maybe encrypts, and makes the CRC; opening undoes it and checks the digest too.
 */
export async function benchBlob(): Promise<readonly (readonly string[])[]> {
  using place = Place.inMemory();
  place.demand(1.2 * CORPUS, "blob");
  const chunks = makeChunks(place);
  const speeds = await measureC(place.at("all"));
  const native = openNative();
  const ways: (readonly [string, Codecs])[] = [
    ["built in", { zstd: builtinZstd()!, aesGcm: builtinAesGcm()! }],
    ["portable", { zstd: portableZstd(), aesGcm: portableAesGcm() }],
  ];
  if (native !== undefined) {
    ways.unshift(["native libraries", await openCodecs(native)]);
  }
  const rows: string[][] = [];
  for (
    const [kind, key] of [
      ["plain", undefined],
      ["encrypted", CryptKey.of(new Uint8Array(32).fill(9))],
    ] as const
  ) {
    const opening: string[][] = [];
    for (const [by, codecs] of ways) {
      const scratch = new Scratch(), into = new Uint8Array(CHUNK);
      const blobs: Bytes[] = [];
      const sealed = await best(async () => {
        for (const data of chunks) {
          keep(await sealBlob(data, { codecs, key, scratch }));
        }
      });
      for (const data of chunks) {
        blobs.push(joinBlob(await sealBlob(data, { codecs, key, scratch })));
      }
      const digests = chunks.map((data) => digestOf(data, key));
      const opened = await best(async () => {
        for (const [i, digest] of digests.entries()) {
          const options = { codecs, key, digest, size: CHUNK, into, scratch };
          await openBlob(blobs[i]!, options);
        }
      });
      const packed = blobs.reduce((sum, { length }) => sum + length, 0);
      const crypt = key === undefined ? 0 : packed / speeds.gcm;
      const seal = TOTAL / speeds.compress + crypt;
      const open = TOTAL / speeds.decompress + TOTAL / speeds.sha256 + crypt;
      rows.push(row(`seal ${kind}`, by, sealed, seal));
      opening.push(row(`open ${kind}`, by, opened, open));
    }
    rows.push(...opening);
  }
  return rows;
}

function row(
  what: string,
  by: string,
  seconds: number,
  ofC: number,
): string[] {
  const speed = (TOTAL / seconds / 1e6).toFixed(0);
  return [what, by, speed, (ofC / seconds).toFixed(2)];
}

/** The last blob, so that no compiler leaves it out. */
let kept: SealedBlob | undefined;
function keep(blob: SealedBlob): void {
  kept = blob;
  if (kept.size === 0) throw new Error("Cannot go on: a blob is empty");
}

/** Seconds of the best round, after one that is not counted. */
async function best(run: () => Promise<void>): Promise<number> {
  await run();
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await run();
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}

/** Noise, text and zeros, as one file too. */
function makeChunks(place: Place): Bytes[] {
  const folder = place.at("mixed");
  makeMixed(folder, CORPUS);
  const all = new Uint8Array(CORPUS);
  let at = 0;
  for (const { name } of sorted(folder)) {
    for (const { name: file } of sorted(`${folder}/${name}`)) {
      const bytes = Deno.readFileSync(`${folder}/${name}/${file}`);
      all.set(bytes, at);
      at += bytes.length;
    }
  }
  place.remove("mixed");
  const chunks: Bytes[] = [];
  for (let at = 0; at < CORPUS; at += CORPUS / TOTAL * CHUNK) {
    chunks.push(all.slice(at, at + CHUNK));
  }
  using file = Deno.createSync(place.at("all"));
  for (const chunk of chunks) {
    for (let at = 0; at < CHUNK;) at += file.writeSync(chunk.subarray(at));
  }
  return chunks;
}

function sorted(folder: string): Deno.DirEntry[] {
  return [...Deno.readDirSync(folder)]
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Speeds of C on one thread, in memory, in pieces of 2 MiB. */
async function measureC(path: string): Promise<Speeds> {
  const zstd = await said(
    "zstd",
    "-q",
    "-b1",
    "-e1",
    `-B${CHUNK}`,
    "-i2",
    path,
  );
  const [, compress, decompress] =
    /([\d.]+) MB\/s +([\d.]+) MB\/s/.exec(zstd) ??
      [];
  const speed = async (name: string) => {
    const text = await said(
      "openssl",
      "speed",
      "-mr",
      "-evp",
      name,
      "-bytes",
      String(CHUNK),
      "-seconds",
      "2",
    );
    return Number(/^\+F:\d+:[^:]*:([\d.]+)$/m.exec(text)?.[1]);
  };
  const speeds = {
    compress: Number(compress) * 1e6,
    decompress: Number(decompress) * 1e6,
    gcm: await speed("aes-256-gcm"),
    sha256: await speed("sha256"),
  };
  for (const [what, value] of Object.entries(speeds)) {
    if (!(value > 0)) {
      throw new Error(
        `Cannot measure C: ${what} is ${value}, expected a speed`,
      );
    }
  }
  return speeds;
}

async function said(command: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(command, { args })
    .output();
  const text = new TextDecoder().decode(stdout) + "\n" +
    new TextDecoder().decode(stderr);
  if (!success) throw new Error(`Cannot run ${command}: ${text}`);
  return text;
}

if (import.meta.main) console.log(table(BLOB_HEAD, await benchBlob()));
