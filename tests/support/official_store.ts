// The datastores in tests/vectors/pbs/datastores, made by the official server, unpacked to be read and changed.
import { zstdDecompressSync } from "node:zlib";
import type { Bytes } from "@pxar/format/bytes";

/** Where everything that was recorded with the official server and client lies. */
export const PBS: URL = new URL("../vectors/pbs/", import.meta.url);

/** The stores. */
export const OFFICIAL_STORES: readonly string[] = [
  "plain",
  "encrypted",
  "signonly",
  "damaged",
  "vec-rest",
];

const TEXT = new TextDecoder(), BLOCK = 512;

/**
 * Unpacks a store: modes are kept, and owners where root does it; only those of the 65,536 chunk folders are there that hold chunks.
 *
 * @param name Such as `plain`.
 * @param folder Where its folder is made.
 * @returns The store's folder.
 */
export async function unpackStore(
  name: string,
  folder: string,
): Promise<string> {
  const tar = readPacked(`datastores/${name}.tar.zst`);
  const asRoot = Deno.build.os !== "windows" && Deno.uid() === 0;
  const made: (() => Promise<void>)[] = [];
  let store: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK);
    at += BLOCK;
    if (header[0] === 0) continue;
    const text = (from: number, length: number) =>
      TEXT.decode(header.subarray(from, from + length)).split("\0", 1)[0]!;
    const number = (from: number, length: number) =>
      parseInt(text(from, length), 8);
    const prefix = text(345, 155);
    const member = `${prefix === "" ? "" : `${prefix}/`}${text(0, 100)}`
      .replace(/\/$/, "");
    const path = `${folder}/${member}`, size = number(124, 12);
    store ??= `${folder}/${member.split("/", 1)[0]}`;
    if (text(156, 1) === "5") await Deno.mkdir(path, { recursive: true });
    else {
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), {
        recursive: true,
      });
      await Deno.writeFile(path, tar.subarray(at, at + size));
    }
    const mode = number(100, 8), uid = number(108, 8), gid = number(116, 8);
    made.push(async () => {
      if (asRoot) await Deno.chown(path, uid, gid);
      if (Deno.build.os !== "windows") await Deno.chmod(path, mode);
    });
    at += Math.ceil(size / BLOCK) * BLOCK;
  }
  if (store === undefined) {
    throw new Error(`Cannot unpack ${name}: it is empty`);
  }
  for (const settle of made) await settle();
  // It is not among what was packed.
  if (asRoot) await Deno.chown(store, 34, 34);
  return store;
}

/**
 * What the official client restored from a store, and what each file of it is; see the README there.
 *
 * @param name Such as `plain`; there is none of `vec-rest`.
 */
export function expectedOf(name: string): unknown {
  return JSON.parse(
    TEXT.decode(readPacked(`datastores/${name}.expected.json.zst`)),
  );
}

/**
 * What the official client printed.
 *
 * @param name Such as `lists.txt`.
 * @returns By the command's line, without the program's name; of several with the same line the first one.
 */
export function officialOutputs(
  name: string,
): ReadonlyMap<string, { readonly text: string; readonly exit: number }> {
  const found = new Map<string, { text: string; exit: number }>();
  const all = Deno.readTextFileSync(new URL(`client/${name}`, PBS));
  for (const part of all.split(/^\$ proxmox-backup-client /m).slice(1)) {
    const [, line, text, exit] =
      /^([^\n]*)\n([^]*?)\[exit (\d+)\]/.exec(part) ?? [];
    if (line === undefined || found.has(line)) continue;
    found.set(line, { text: text!, exit: Number(exit) });
  }
  return found;
}

function readPacked(path: string): Bytes {
  return new Uint8Array(
    zstdDecompressSync(Deno.readFileSync(new URL(path, PBS))),
  );
}
