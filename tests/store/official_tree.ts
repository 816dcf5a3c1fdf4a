// Entries in the words of the official listings (expected.json) of what the official client restored.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Bytes } from "@pxar/format/bytes";
import type { Batches, Content, Entry } from "@pxar/format/entry";
import { joinPath, showName } from "@pxar/format/name";
import type { TreeEntry } from "./official.ts";

/** Bytes as the listing has them. */
export const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes).toString("base64");
const KINDS: Partial<Record<Entry["kind"], string>> = { directory: "dir" };

async function sha256OfContent(content: Content | undefined): Promise<string> {
  const hash = createHash("sha256"), into = new Uint8Array(1 << 16);
  for (let got; content && (got = await content.read(into)) > 0;) {
    hash.update(into.subarray(0, got));
  }
  return hash.digest("hex");
}

/** An entry in the words of the official listing. */
export async function described(
  entry: Entry,
  path: Bytes,
  content: () => Content | undefined,
): Promise<Omit<TreeEntry, "hardlink_of">> {
  const xattrs = (entry.attributes?.xattrs ?? []).map(({ name, value }) =>
    [showName(name), base64(value)] as const
  );
  return {
    path: base64(path),
    kind: KINDS[entry.kind] ?? entry.kind,
    mode: (entry.mode & 0o7777).toString(8),
    uid: entry.uid,
    gid: entry.gid,
    mtime_ns: String(BigInt(entry.secs) * 1_000_000_000n + BigInt(entry.nanos)),
    ...entry.kind === "file" &&
      { size: content()!.size, sha256: await sha256OfContent(content()) },
    ...entry.target && { target: base64(entry.target) },
    ...xattrs.length > 0 && { xattrs: Object.fromEntries(xattrs) },
  };
}

/** What is in a whole tree of entries. */
export async function treeInOrder(batches: Batches): Promise<TreeEntry[]> {
  const found: TreeEntry[] = [], open: Bytes[] = [];
  const firsts = new Map<string, TreeEntry>();
  for await (const batch of batches) {
    for (const entry of batch) {
      if (entry.kind === "version" || entry.kind === "prelude") continue;
      if (entry.kind === "end") {
        open.pop();
        continue;
      }
      const path = open.length === 0
        ? entry.name
        : joinPath(open.at(-1)!, entry.name);
      if (entry.kind === "directory") open.push(path);
      if (entry.kind === "hardlink") {
        const target = base64(entry.target!);
        found.push({
          ...firsts.get(target)!,
          path: base64(path),
          hardlink_of: target,
        });
        continue;
      }
      const { content } = entry;
      let read: string | undefined;
      if (content !== undefined) read = await sha256OfContent(content);
      const { size } = content ?? { size: 0 };
      const told = await described(
        entry,
        path,
        () => content && { size, read: () => 0, release: undefined },
      );
      const one = read === undefined ? told : { ...told, sha256: read };
      firsts.set(one.path, one);
      found.push(one);
    }
  }
  return found;
}

/** The official listing is in the order of its paths. */
export function sorted(tree: readonly TreeEntry[]): TreeEntry[] {
  return [...tree].map((entry) =>
    Object.fromEntries(
      Object.entries(entry).sort(([a], [b]) => a < b ? -1 : 1),
    ) as unknown as TreeEntry
  )
    .sort((a, b) =>
      Buffer.compare(
        Buffer.from(a.path, "base64"),
        Buffer.from(b.path, "base64"),
      )
    );
}
