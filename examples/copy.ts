// Parts of an archive to other paths of a new one. Run: deno run -R examples/copy.ts ARCHIVE FROM=TO… > NEW
import { Accessor, encodeStream, fileAccess } from "@pxar/codec";
import { copy } from "@pxar/transfer";

const [path, ...mappings] = Deno.args;
if (path === undefined || mappings.length === 0) {
  console.error("Cannot copy: expected an archive, and FROM=TO for each part");
  Deno.exit(2);
}
await using archive = await Accessor.open(await fileAccess(path));
const parts = mappings.map((mapping) => {
  const [from = "", to = ""] = mapping.split("=");
  return { archive, from, to };
});
await encodeStream(copy(parts)).pipeTo(Deno.stdout.writable);
