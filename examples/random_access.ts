// One directory of an archive, and the first bytes of each file in it; nothing else is read. Run: deno run -R examples/random_access.ts ARCHIVE [DIRECTORY]
import { Accessor, fileAccess } from "@pxar/codec";
import { showName } from "@pxar/format";

const [path, directory = "/"] = Deno.args;
if (path === undefined) {
  console.error("Cannot look up: expected the path of an archive");
  Deno.exit(2);
}
await using archive = await Accessor.open(await fileAccess(path));
const node = await archive.lookup(directory);
if (node === undefined) throw new Error(`${directory} is not in ${path}`);
for await (const page of archive.list(node)) {
  for (const child of page) {
    const { name, kind } = child.entry;
    const start = kind === "file"
      ? await new Response(archive.stream(child, { end: 20 })).text()
      : "";
    console.log(showName(name), kind, JSON.stringify(start));
  }
}
