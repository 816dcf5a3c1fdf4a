// The codec in one file of plain JavaScript, run by Node.
import { assert, assertEquals } from "../support/assert.ts";
import { loadVector, VECTORS } from "../support/vectors.ts";

const NODE = findNode();
if (NODE === undefined) {
  console.error("SKIPPED: the codec in Node: it needs node 20 or newer");
}

function findNode(): string | undefined {
  try {
    const { stdout, success } = new Deno.Command("node", {
      args: ["--version"],
    }).outputSync();
    const version = new TextDecoder().decode(stdout).trim();
    return success && Number(/^v(\d+)/.exec(version)?.[1]) >= 20
      ? version
      : undefined;
  } catch {
    return undefined;
  }
}

const ENTRY = `
export { Accessor } from "@pxar/codec/accessor";
export { check } from "@pxar/codec/check";
export { decode } from "@pxar/codec/decode";
export { encodeStream } from "@pxar/codec/encode";
export { blobAccess, bytesAccess, fileAccess } from "@pxar/codec/random_access";
export { httpAccess } from "@pxar/codec/http_access";
export * from "@pxar/format";
`;

const SCRIPT = `
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { Accessor, bytesAccess, check, decode, encodeStream, fileAccess } from "./codec.mjs";

const [v1, metadata, payload] = process.argv.slice(2);
const show = (entry) => [entry.kind, Buffer.from(entry.name).toString("base64"), entry.mode, entry.secs];
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function decoded() {
  const out = [];
  for await (const batch of decode(readFileSync(metadata), { payload: readFileSync(payload) })) {
    for (const entry of batch) {
      if (entry.kind === "version" || entry.kind === "end") continue;
      const row = show(entry);
      if (entry.content) {
        const bytes = new Uint8Array(entry.content.size);
        for (let at = 0; at < bytes.length;) at += await entry.content.read(bytes.subarray(at));
        row.push(hash(bytes));
      }
      out.push(row);
    }
  }
  return out;
}

async function looked(archive, options) {
  const accessor = await Accessor.open(archive, options);
  const out = [];
  async function walk(node) {
    const row = show(node.entry);
    if (node.entry.kind === "file") row.push(hash(Buffer.from(await new Response(accessor.stream(node)).arrayBuffer())));
    out.push(row);
    if (node.entry.kind !== "directory") return;
    for await (const page of accessor.list(node)) for (const child of page) await walk(child);
  }
  await walk(accessor.root);
  await accessor.close();
  return out;
}

const again = new Uint8Array(await new Response(encodeStream(decode(readFileSync(v1)))).arrayBuffer());
console.log(JSON.stringify({
  decoded: await decoded(),
  unified: await looked(await fileAccess(v1)),
  split: await looked(bytesAccess(readFileSync(metadata)), { payload: await fileAccess(payload) }),
  damages: (await check(await fileAccess(v1))).damages,
  same: hash(again) === hash(readFileSync(v1)),
}));
`;

async function bundle(folder: string): Promise<string> {
  const root = new URL("../../", import.meta.url);
  // Below the root, so that the workspace resolves the packages' names.
  const entry = await Deno.makeTempFile({
    dir: new URL("tests/codec/", root).pathname,
    prefix: "portable_",
    suffix: ".partial",
  });
  const source = entry.replace(/partial$/, "ts");
  try {
    await Deno.rename(entry, source);
    await Deno.writeTextFile(source, ENTRY);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "bundle",
        "--quiet",
        "--platform",
        "browser",
        "--external",
        "node:fs",
        "-o",
        `${folder}/codec.mjs`,
        source,
      ],
      cwd: root,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(source).catch(() => {});
  }
  return await Deno.readTextFile(`${folder}/codec.mjs`);
}

Deno.test("the codec bundles into one file that does not mention Deno", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "pxar-portable-" });
  try {
    const text = await bundle(folder);
    assert(text.length > 50_000);
    assert(!/\bDeno\./.test(text));
    // Of Node it needs files at most, and these only once they are asked for.
    assertEquals(
      [...text.matchAll(/^import .*|(?<!await )import\(.*/gm)].map(([line]) =>
        line
      ),
      [],
    );
    assertEquals([
      ...new Set(
        [...text.matchAll(/import\("([^"]*)"\)/g)].map(([, name]) => name),
      ),
    ], ["node:fs"]);
    await t.step({
      name: "Node reads with it what is in a golden archive",
      ignore: NODE === undefined,
      fn: () => runInNode(folder),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function runInNode(folder: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/run.mjs`, SCRIPT);
  // None of these lies packed.
  const files = ["pxar", "mpxar", "ppxar"].map((suffix) =>
    new URL(`hardlinks.${suffix}`, VECTORS).pathname
  );
  const { success, stdout, stderr } = await new Deno.Command("node", {
    args: [`${folder}/run.mjs`, ...files],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { decoded, unified, split, damages, same } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const { entries } = loadVector("hardlinks");
  const told = entries.map(({ path, kind, mode, mtime, sha256 }) => [
    kind === "char" || kind === "block" ? "device" : kind,
    btoa(atob(path).replace(/.*\//s, "")),
    mode === undefined ? 0 : parseInt(mode, 8),
    Number(mtime ?? 0),
    ...(sha256 === undefined ? [] : [sha256]),
  ]);
  assertEquals(decoded, told);
  assertEquals(unified, told);
  assertEquals(split, told);
  assertEquals([damages, same], [0, true]);
}
