// One archive into another, on the way: everything but *.tmp, and all of it owned by root. Run: deno run -R examples/filter_archive.ts IN > OUT
import { decode, encodeStream } from "@pxar/codec";
import { matchPatterns, parsePattern } from "@pxar/format";
import { each } from "@pxar/transfer";

const [path] = Deno.args;
if (path === undefined) {
  console.error("Cannot filter: expected the path of an archive");
  Deno.exit(2);
}
const patterns = [parsePattern("*.tmp")];

const file = await Deno.open(path);
const kept = each(
  decode(file.readable),
  (entry) =>
    matchPatterns(patterns, entry.name, entry.kind === "directory") ===
        "exclude"
      ? undefined
      : { ...entry, uid: 0, gid: 0 },
);
await encodeStream(kept).pipeTo(Deno.stdout.writable);
